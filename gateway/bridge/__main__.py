"""`python -m gateway.bridge`."""

from gateway.bridge.main import main

main()
