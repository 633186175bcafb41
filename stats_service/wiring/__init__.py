"""The parts of main.py and of the workers, a room for each: who is built from what."""
