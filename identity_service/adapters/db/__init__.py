"""Identity's tables and the statements that use them."""
