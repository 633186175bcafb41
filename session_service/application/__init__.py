"""What the service does: a module a subject, in it a use case for each RPC, named like it."""
