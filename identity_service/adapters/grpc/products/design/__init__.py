"""The adapter of the design product's accounts."""
