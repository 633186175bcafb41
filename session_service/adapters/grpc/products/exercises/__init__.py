"""The exercises product on the wire."""
