"""The load generator: a process of its own, on uvloop, that says what CPU it used itself.

It reads a plan as JSON, prepares, says `ready`, begins at `go`, and ends with its result as JSON.
"""
