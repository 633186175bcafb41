"""The rules of practice sessions: pure, no I/O, nothing but the standard library."""
