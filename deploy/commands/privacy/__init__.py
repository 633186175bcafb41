"""`practice export`, `erase` and `receipt`: a user's data."""
