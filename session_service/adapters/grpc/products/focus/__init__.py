"""The focus product on the wire."""
