"""What completions add up to: pure functions of facts."""
