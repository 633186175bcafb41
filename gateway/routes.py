"""Where requests go, and which of them need an access token."""

from __future__ import annotations

import json
from typing import Any

from gateway import contracts
from gateway.settings import GatewaySettings

Config = dict[str, Any]


def seconds(value: float) -> str:
    """Returns a duration as protobuf's JSON writes it."""
    return f"{value:g}s"


UNTRANSCODED: Config = {
    "envoy.filters.http.grpc_json_transcoder": {
        "@type": "type.googleapis.com/envoy.config.route.v3.FilterConfig",
        "disabled": True,
    }
}


UNBUFFERED: Config = {
    "envoy.filters.http.buffer": {
        "@type": "type.googleapis.com/envoy.extensions.filters.http.buffer.v3.BufferPerRoute",
        "disabled": True,
    }
}

BRIDGE = "bridge"
INTERNAL_HEADER = "x-practice-internal"
LIVE_PREFIX = "/portal/ws/"


# A real route, as the CORS filter looks at no other kind. No request has the
# header it takes its cluster from.
NOWHERE: Config = {"cluster_header": "x-practice-nowhere", "cluster_not_found_response_code": "NOT_FOUND"}


def routes(methods: list[contracts.Method], settings: GatewaySettings) -> list[Config]:
    """Returns the routes: the root, live sessions, what the transcoder made of REST calls, nothing else."""
    root = {"service": "practice-platform", "version": settings.service_version}
    return [
        {
            "match": {"path": "/"},
            "direct_response": {"status": 200, "body": {"inline_string": json.dumps(root)}},
            "response_headers_to_add": [
                {
                    "header": {"key": "content-type", "value": "application/json"},
                    "append_action": "OVERWRITE_IF_EXISTS_OR_ADD",
                }
            ],
            "typed_per_filter_config": UNTRANSCODED,
        },
        bridge_route(),
        *(streaming_route(method, settings) for method in methods if method.streaming),
        *(unary_route(service, settings) for service in contracts.services_of(methods)),
        {"match": {"prefix": "/"}, "route": NOWHERE},
    ]


def operator_routes(methods: list[contracts.Method], settings: GatewaySettings) -> list[Config]:
    """Returns the operators' routes: who shows no token is refused before the request is read.

    Whether it is the right one is for the services to say.
    """
    return [
        {
            "match": {"prefix": "/", "headers": [{"name": INTERNAL_HEADER, "present_match": False}]},
            "direct_response": {"status": 401},
            "typed_per_filter_config": {**UNTRANSCODED, **UNBUFFERED},
        },
        *(streaming_route(method, settings) for method in methods if method.streaming),
        *(unary_route(service, settings) for service in contracts.services_of(methods)),
        {"match": {"prefix": "/"}, "direct_response": {"status": 404}},
    ]


def bridge_route() -> Config:
    """Returns the route of WebSockets. The bridge's pings keep one that is quiet from being idle."""
    return {
        "match": {
            "safe_regex": {"regex": f"{LIVE_PREFIX}sessions/[^/]+/?"},
            "headers": [{"name": ":method", "string_match": {"exact": "GET"}}],
        },
        "route": {
            "cluster": BRIDGE,
            "timeout": "0s",
            "idle_timeout": "60s",
            "upgrade_configs": [{"upgrade_type": "websocket"}],
        },
        "typed_per_filter_config": {**UNTRANSCODED, **UNBUFFERED},
    }


# Only the transcoder sets this header: a client's own is taken away. So a
# method's native path leads nowhere, whatever the content type.
TRANSCODED: Config = {"headers": [{"name": "x-envoy-original-path", "present_match": True}]}


def unary_route(service: str, settings: GatewaySettings) -> Config:
    """Returns the route to a service's methods, which gives up after the request timeout."""
    timeout = settings.gateway_request_timeout_seconds
    # The service hears of the deadline, and a second later than the gateway
    # acts on it, so that the gateway's answer is always the one that is sent.
    deadline = {"key": "grpc-timeout", "value": f"{int((timeout + 1) * 1000)}m"}
    return {
        "match": {"prefix": f"/{service}/", **TRANSCODED},
        "route": {"cluster": contracts.cluster_of(service), "timeout": seconds(timeout)},
        "request_headers_to_add": [{"header": deadline, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}],
    }


def streaming_route(method: contracts.Method, settings: GatewaySettings) -> Config:
    """Returns the route to a method that streams: no end but when nothing is said for long."""
    idle = seconds(settings.gateway_stream_idle_seconds)
    return {
        "match": {"path": f"/{method.name}", **TRANSCODED},
        "route": {"cluster": contracts.cluster_of(method.service), "timeout": "0s", "idle_timeout": idle},
    }


def jwt_rules(methods: list[contracts.Method]) -> list[Config]:
    """Returns who needs a token: everybody, but for the root and the open methods.

    A browser brings the token of a WebSocket where only the bridge looks for
    it, so there a missing one passes; a bad one in the header does not.
    """
    open_bindings = [
        binding for method in methods if method.name in contracts.OPEN_METHODS for binding in method.bindings
    ]
    token = {"provider_name": "practice"}
    good_or_none = [token, {"allow_missing": {}}]
    return [
        {"match": {"path": "/"}},
        *(
            {
                "match": {
                    "safe_regex": {"regex": contracts.path_pattern(binding.path)},
                    "headers": [{"name": ":method", "string_match": {"exact": binding.verb}}],
                }
            }
            for binding in open_bindings
        ),
        {"match": {"prefix": LIVE_PREFIX}, "requires": {"requires_any": {"requirements": good_or_none}}},
        {"match": {"prefix": "/"}, "requires": token},
    ]
