"""What services share that needs the platform's contracts, which the service kit does not know."""
