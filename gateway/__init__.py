"""The edge: the configuration of the Envoy that stands before the services, and the WebSocket bridge.

The configuration proper is `templates/envoy.yaml`, with `edge.lua` inside it.
Python fills in only what the settings, the contracts and the table of
products say; no business rule lives here. `bridge/` is a process of its own
behind that Envoy.
"""
