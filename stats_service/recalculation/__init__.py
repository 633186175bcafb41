"""Derives the progress of everybody, or of some, anew from the facts."""
