"""What the catalog holds and the rules it keeps: pure, no I/O."""
