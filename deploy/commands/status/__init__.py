"""`practice status`: what runs, how well, since when."""
