"""`practice export`, `erase` and `receipt`: a person's data."""
