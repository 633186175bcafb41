"""The portal product on the wire."""
