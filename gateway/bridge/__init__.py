"""The WebSocket bridge: a portal session's live events for its owner.

Each connection has one gRPC stream of the session service behind it, opened
with the listener's own token, and the session service alone decides what is
to be seen. The bridge turns that stream into events and adds the clock.
"""
