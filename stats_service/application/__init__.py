"""What can be asked of statistics: one use case a file, named like its RPC or task."""
