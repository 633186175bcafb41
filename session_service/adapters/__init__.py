"""What connects the use cases to the world; each adapter knows one technology."""
