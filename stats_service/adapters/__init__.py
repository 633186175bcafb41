"""The outside: gRPC, the queue, the database."""
