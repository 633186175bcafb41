"""The Protocols that adapters implement for the use cases."""
