"""The client of the other services that hold personal data."""
