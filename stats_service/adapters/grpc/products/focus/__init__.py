"""What completed focus sessions add up to, in the focus product's envelope."""
