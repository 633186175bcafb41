"""What the use cases need from the outside, a module for each kind of it."""
