"""The problems of the design product on the wire."""
