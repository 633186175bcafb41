"""The yoga product on the wire."""
