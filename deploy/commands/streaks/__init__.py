"""`practice explain` and `practice streak`: why a streak is what it is, and its repair."""
