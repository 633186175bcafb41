"""PostgreSQL as every service uses it."""
