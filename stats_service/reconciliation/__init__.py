"""Compares facts with what the session service says happened, and heals what differs."""
