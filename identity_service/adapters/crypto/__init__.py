"""Password hashes and signed tokens."""
