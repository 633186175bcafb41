"""Owns the lifecycle of practice sessions. Knows nothing of streaks and badges."""
