"""The WebSocket bridge: a portal session's live events for its owner.

Each connection has a watch of the session service behind it, begun with the
listener's own token, and the session service alone decides what is to be seen.
One gRPC stream to each of its processes carries them all. The bridge turns
updates into events and adds the clock.
"""
