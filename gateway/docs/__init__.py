"""The documentation at `/docs/`: built by `make docs` into a folder, which the gateway itself serves."""
