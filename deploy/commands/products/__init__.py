"""`practice products`: which products there are, what their rows say, and new rows for them."""
