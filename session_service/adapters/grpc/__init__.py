"""The gRPC face: the canonical API and the products."""
