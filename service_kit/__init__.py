"""Plumbing that every service shares; not one word of the domain."""
