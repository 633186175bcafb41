"""The queue: tasks, and requests for them."""
