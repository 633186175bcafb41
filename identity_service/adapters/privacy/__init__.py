"""The other services, as far as they keep data of people."""
