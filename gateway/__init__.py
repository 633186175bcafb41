"""The edge: the configuration of the Envoy that stands before the services.

The configuration proper is `templates/envoy.yaml`, with `edge.lua` inside it.
Python fills in only what the settings, the contracts and the table of
products say; no business rule lives here.
"""
