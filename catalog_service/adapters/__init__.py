"""How the catalog meets gRPC and PostgreSQL."""
