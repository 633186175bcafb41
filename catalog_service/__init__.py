"""What there is to practise: exercises, words, sequences, problems. Never who practised them."""
