"""The catalog's contract, served."""
