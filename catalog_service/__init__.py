"""What there is to practise: exercises and their answers. Never who practised them."""
