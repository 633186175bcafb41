"""`python -m deploy` is the `practice` command."""

from deploy.cli import main

main()
