"""gRPC servers and channels as every service runs them."""
