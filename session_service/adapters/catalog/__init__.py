"""The catalog service as this service sees it."""
