"""`practice user`: who is who."""
