"""The accounts of the design product on the wire."""
