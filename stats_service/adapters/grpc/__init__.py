"""Translations between gRPC and the use cases."""
