"""The task queue towards the stats service."""
