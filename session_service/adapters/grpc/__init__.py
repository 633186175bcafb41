"""The gRPC servicers: the canonical API and the products."""
