"""How identity meets gRPC, PostgreSQL and cryptography."""
