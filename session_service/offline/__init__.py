"""What was practised without a network and is handed in later."""
