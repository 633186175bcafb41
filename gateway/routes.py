"""Where requests go, and which of them need an access token."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from gateway import contracts
from gateway.rate_limits import address_rate_limit
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


BUFFER_PER_ROUTE = "type.googleapis.com/envoy.extensions.filters.http.buffer.v3.BufferPerRoute"
UNBUFFERED: Config = {"envoy.filters.http.buffer": {"@type": BUFFER_PER_ROUTE, "disabled": True}}

# The largest bodies, in bytes. Without a token there is nothing to say but who
# one is. A line of a conversation has 10,000 characters, each up to 12 bytes as
# JSON escapes it. A draft of 1 MiB is JSON within JSON: escaped it is up to
# twice that.
OPEN_BODY = 16 * 1024
ORDINARY_BODY = 128 * 1024
LARGE_BODY = 2560 * 1024

BRIDGE = "bridge"
# Services whose copies remember whom they served last: calls with one token go to one copy, as long as it is
# well and has no more than its share. Which token is good was said before.
BY_TOKEN = frozenset({"session"})
INTERNAL_HEADER = "x-practice-internal"
LIVE_PREFIX = "/portal/ws/"


# A real route, as the CORS filter looks at no other kind. No request has the
# header it takes its cluster from.
NOWHERE: Config = {"cluster_header": "x-practice-nowhere", "cluster_not_found_response_code": "NOT_FOUND"}


def routes(
    methods: list[contracts.Method], settings: GatewaySettings, site: Sequence[Config] = ()
) -> list[Config]:
    """Returns the routes: the root, live sessions, what the transcoder made of REST calls, the site, no more.

    `site` are the routes of the documentation.
    """
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
        *method_routes(methods, settings),
        *arrival_routes(methods, settings, site),
    ]


def method_routes(methods: list[contracts.Method], settings: GatewaySettings) -> list[Config]:
    """Returns the routes of what the transcoder made of REST calls."""
    return [
        *(streaming_route(method, settings) for method in methods if method.streaming),
        *(open_route(method, settings) for method in methods if method.name in contracts.OPEN_METHODS),
        *(service_route(service, settings) for service in contracts.services_of(methods)),
    ]


def arrival_routes(
    methods: list[contracts.Method], settings: GatewaySettings, site: Sequence[Config]
) -> list[Config]:
    """Returns the routes of requests as they arrive, before the transcoder knows their methods.

    They lead nowhere, but for the site's; they say how large a body may be and how long it may take.
    """
    arriving = {**NOWHERE, "idle_timeout": seconds(settings.gateway_upload_idle_seconds)}
    rate, burst = settings.gateway_open_address_rate, settings.gateway_open_address_burst
    open_filters = {
        **body_limit(OPEN_BODY),
        "envoy.filters.http.local_ratelimit": address_rate_limit(rate, burst, "open"),
    }
    return [
        *(
            {"match": match, "route": arriving, "typed_per_filter_config": open_filters}
            for match in body_matches(methods, contracts.OPEN_METHODS)
        ),
        *(
            {"match": match, "route": arriving, "typed_per_filter_config": body_limit(LARGE_BODY)}
            for match in body_matches(methods, contracts.LARGE_METHODS)
        ),
        *site,
        {"match": {"prefix": "/"}, "route": arriving},
    ]


def body_matches(methods: list[contracts.Method], names: frozenset[str]) -> list[Config]:
    """Returns how requests to those of the methods match that have a body, with and without a last slash."""
    return [
        {
            "safe_regex": {"regex": f"{contracts.path_pattern(binding.path)}/*"},
            "headers": [{"name": ":method", "string_match": {"exact": binding.verb}}],
        }
        for method in methods
        if method.name in names
        for binding in method.bindings
        if binding.verb != "GET"
    ]


def body_limit(size: int) -> Config:
    """Returns the filter configuration of a route whose bodies have at most `size` bytes."""
    limit = {"@type": BUFFER_PER_ROUTE, "buffer": {"max_request_bytes": size}}
    return {"envoy.filters.http.buffer": limit}


def operator_routes(
    methods: list[contracts.Method], settings: GatewaySettings, site: Sequence[Config] = ()
) -> list[Config]:
    """Returns the operators' routes: who shows no token is refused before the request is read.

    Whether it is the right one is for the services to say. `site` are the routes of their documentation.
    """
    return [
        {
            "match": {"prefix": "/", "headers": [{"name": INTERNAL_HEADER, "present_match": False}]},
            "direct_response": {"status": 401},
            "typed_per_filter_config": {**UNTRANSCODED, **UNBUFFERED},
        },
        *method_routes(methods, settings),
        *site,
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
            "priority": "HIGH",
            "timeout": "0s",
            "idle_timeout": "60s",
            "upgrade_configs": [{"upgrade_type": "websocket"}],
        },
        "typed_per_filter_config": {**UNTRANSCODED, **UNBUFFERED},
    }


# Only the transcoder sets this header: a client's own is taken away. So a
# method's native path leads nowhere, whatever the content type.
TRANSCODED: Config = {"headers": [{"name": "x-envoy-original-path", "present_match": True}]}


# What Envoy adds to a request and no service reads: each would take a service time all the same.
UNREAD_HEADERS = ["x-forwarded-for", "x-forwarded-proto", "x-envoy-external-address"]


def to_cluster(service: str) -> Config:
    """Returns where a route to a service leads, and by what its copies are chosen."""
    cluster = contracts.cluster_of(service)
    by_token = {"hash_policy": [{"header": {"header_name": "authorization"}}]}
    return {"cluster": cluster, **(by_token if cluster in BY_TOKEN else {})}


def service_route(service: str, settings: GatewaySettings) -> Config:
    """Returns the route to a service's methods."""
    return unary_route({"prefix": f"/{service}/"}, service, settings, priority="HIGH")


def open_route(method: contracts.Method, settings: GatewaySettings) -> Config:
    """Returns the route to a method that needs no token: such calls cannot take the places of the others."""
    return unary_route({"path": f"/{method.name}"}, method.service, settings, priority="DEFAULT")


def unary_route(match: Config, service: str, settings: GatewaySettings, *, priority: str) -> Config:
    """Returns a route to a service that gives up after the request timeout."""
    timeout = settings.gateway_request_timeout_seconds
    # The service hears of the deadline, and a second later than the gateway
    # acts on it, so that the gateway's answer is always the one that is sent.
    deadline = {"key": "grpc-timeout", "value": f"{int((timeout + 1) * 1000)}m"}
    return {
        "match": {**match, **TRANSCODED},
        "route": {
            **to_cluster(service),
            "priority": priority,
            "timeout": seconds(timeout),
            # For whoever does not read the answer.
            "idle_timeout": seconds(timeout + settings.gateway_download_idle_seconds),
        },
        "request_headers_to_remove": UNREAD_HEADERS,
        "request_headers_to_add": [{"header": deadline, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}],
    }


def streaming_route(method: contracts.Method, settings: GatewaySettings) -> Config:
    """Returns the route to a method that streams: a watch may be quiet for long, a download may not."""
    idle, longest = (
        (settings.gateway_stream_idle_seconds, settings.gateway_watch_seconds)
        if method.name in contracts.WATCHES or method.is_of_events
        else (settings.gateway_download_idle_seconds, settings.gateway_download_seconds)
    )
    # nginx would keep events until it has many.
    unbuffered = {"header": {"key": "x-accel-buffering", "value": "no"}}
    return {
        "match": {"path": f"/{method.name}", **TRANSCODED},
        "route": {
            **to_cluster(method.service),
            "priority": "HIGH",
            "timeout": "0s",
            "idle_timeout": seconds(idle),
            "max_stream_duration": {"max_stream_duration": seconds(longest)},
        },
        "response_headers_to_add": [unbuffered] if method.is_of_events else [],
    }


def jwt_rules(methods: list[contracts.Method], site: Sequence[Config] = ()) -> list[Config]:
    """Returns who needs a token: everybody, but for the root, the open methods and the `site`.

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
        *site,
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
