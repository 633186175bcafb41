"""`practice outbox`: what could not be delivered."""
