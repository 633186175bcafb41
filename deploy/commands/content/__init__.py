"""`practice content`: what ships to practise, checked and loaded."""
