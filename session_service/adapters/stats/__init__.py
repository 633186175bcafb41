"""The stats service as this service sees it."""
