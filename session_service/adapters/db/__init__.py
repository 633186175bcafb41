"""PostgreSQL: tables, the unit of work and the readers."""
