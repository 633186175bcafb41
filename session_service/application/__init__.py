"""What the service does: one use case a file, named like its RPC."""
