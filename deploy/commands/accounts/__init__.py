"""`practice user`: finds accounts."""
