"""`practice recalculate`: progress derived anew."""
