"""Boards of who practised most, and how users take part in them."""
