"""The stats service: what completed sessions add up to."""
