"""The design product's sessions and submissions on the wire."""
