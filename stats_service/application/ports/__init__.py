"""What the use cases need from the outside, a room for each kind of it."""
