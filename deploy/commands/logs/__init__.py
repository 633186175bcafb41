"""`practice logs`: what the processes say, in the order of time."""
