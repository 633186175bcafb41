"""What Redis keeps for speed and for limits. All of it may vanish; no data is only there."""
