"""Facts and what is derived from them, in the schema `stats`."""
