"""The outbox at work: what is on its way, what was given up, and whether all of it arrived."""
