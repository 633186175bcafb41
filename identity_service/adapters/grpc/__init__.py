"""The identity contract, served."""
