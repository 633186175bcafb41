"""Writes Envoy's configuration: `python -m gateway.render OUTPUT`.

The environment says for which place; the same templates serve the local
stack, docker-compose and Kubernetes. Rendering twice gives the same bytes.
"""

from __future__ import annotations

import ipaddress
import json
import sys
from pathlib import Path
from string import Template
from typing import Any

import yaml

from gateway import contracts
from gateway.products import CANONICAL, PRODUCTS, Body, Product
from gateway.refusals import REFUSALS, malformed
from gateway.settings import GatewaySettings

HERE = Path(__file__).parent
Config = dict[str, Any]

# Request headers that only the platform itself may set, by how StringMatcher
# matches their names. Services take a caller's identity from the token alone;
# the headers that proxies commonly name it with are taken away all the same.
FORGEABLE_HEADERS: tuple[Config, ...] = (
    {"prefix": "x-practice-"},
    {"prefix": "x-envoy-"},
    {"prefix": "x-user"},
    {"prefix": "x-account"},
    {"prefix": "x-auth-"},
    {"prefix": "x-authenticated-"},
    {"prefix": "x-remote-"},
    {"prefix": "x-forwarded-user"},
    {"prefix": "x-forwarded-email"},
    {"prefix": "x-forwarded-groups"},
    {"prefix": "x-forwarded-preferred-username"},
    {"exact": "remote-user"},
    {"exact": "x-http-method-override"},
    # Nobody reads it, and it would count against what gRPC takes as metadata.
    {"exact": "cookie"},
    # gRPC reads these: deadlines, encodings, binary metadata.
    {"prefix": "grpc-"},
    {"suffix": "-bin"},
)


def template(name: str, **values: Any) -> Config:
    """Returns a template as data. Values go in as JSON, which YAML includes, so none can break out."""
    text = (HERE / "templates" / name).read_text(encoding="utf-8")
    filled = Template(text).substitute({key: json.dumps(value) for key, value in values.items()})
    config: Config = yaml.safe_load(filled)
    return config


def cluster(name: str, address: str, settings: GatewaySettings) -> Config:
    """Returns the cluster of one service."""
    host, _, port = address.rpartition(":")
    return template(
        "cluster.yaml",
        NAME=name,
        DISCOVERY="STATIC" if is_ip(host.strip("[]")) else "STRICT_DNS",
        HOST=host.strip("[]"),
        PORT=int(port),
        HEALTH_INTERVAL=seconds(settings.gateway_health_interval_seconds),
    )


def is_ip(host: str) -> bool:
    """Tells a numeric address from a name."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def seconds(value: float) -> str:
    """Returns a duration as protobuf's JSON writes it."""
    return f"{value:g}s"


UNTRANSCODED: Config = {
    "envoy.filters.http.grpc_json_transcoder": {
        "@type": "type.googleapis.com/envoy.config.route.v3.FilterConfig",
        "disabled": True,
    }
}


# A real route, as the CORS filter looks at no other kind. No request has the
# header it takes its cluster from.
NOWHERE: Config = {"cluster_header": "x-practice-nowhere", "cluster_not_found_response_code": "NOT_FOUND"}


def routes(methods: list[contracts.Method], settings: GatewaySettings) -> list[Config]:
    """Returns the routes: the root, what the transcoder made of REST calls, and nothing else."""
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
        *(streaming_route(method, settings) for method in methods if method.streaming),
        *(unary_route(service, settings) for service in contracts.public_services(methods)),
        {"match": {"prefix": "/"}, "route": NOWHERE},
    ]


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
    """Returns who needs a token: everybody, but for the root and the open methods."""
    open_bindings = [
        binding for method in methods if method.name in contracts.OPEN_METHODS for binding in method.bindings
    ]
    return [
        {"match": {"path": "/"}},
        *(
            {
                "match": {
                    "safe_regex": {"regex": contracts.path_pattern(path)},
                    "headers": [{"name": ":method", "string_match": {"exact": verb}}],
                }
            }
            for verb, path in open_bindings
        ),
        {"match": {"prefix": "/"}, "requires": {"provider_name": "practice"}},
    ]


def bodies(product: Product) -> dict[str, str]:
    """Returns a product's refusals as JSON by status, `malformed`, and `explained` with a reason's mark."""
    refusals = {str(refusal.status): refusal for refusal in REFUSALS}
    refusals["malformed"] = malformed(product.malformed_status, explained=False)
    refusals["explained"] = malformed(product.malformed_status, explained=True)
    return {key: to_json(product.error_body(refusal)) for key, refusal in refusals.items()}


def to_json(body: Body) -> str:
    """Returns a body as compact ASCII JSON."""
    return json.dumps(body, separators=(",", ":"))


def lua() -> str:
    """Returns edge.lua with the tables it looks things up in."""
    prefixes = [
        {"prefix": prefix, "name": product.name, "malformed": str(product.malformed_status)}
        for product in (*PRODUCTS, CANONICAL)
        for prefix in product.prefixes
    ]
    tables = {
        "PRODUCTS": prefixes,
        "BODIES": {product.name: bodies(product) for product in (*PRODUCTS, CANONICAL)},
    }
    head = "".join(f"local {name} = {to_lua(value)}\n" for name, value in tables.items())
    return head + "\n" + (HERE / "edge.lua").read_text(encoding="utf-8")


def to_lua(value: Any, indent: str = "") -> str:
    """Returns texts, lists and mappings as a Lua expression."""
    if isinstance(value, str):
        # For ASCII without control characters, Lua's escapes are JSON's.
        return json.dumps(value)
    inner = indent + "  "
    items = (
        [f"[{json.dumps(key)}] = {to_lua(each, inner)}" for key, each in value.items()]
        if isinstance(value, dict)
        else [to_lua(each, inner) for each in value]
    )
    return "{\n" + "".join(f"{inner}{item},\n" for item in items) + indent + "}"


def forgeable_headers(trusted_proxies: int) -> list[Config]:
    """Returns the removals of FORGEABLE_HEADERS, and of the client's address where no proxy vouches for it."""
    unvouched: list[Config] = [{"exact": "x-forwarded-for"}] if trusted_proxies == 0 else []
    return [{"remove_on_match": {"key_matcher": each}} for each in (*FORGEABLE_HEADERS, *unvouched)]


def origin_matchers(origins: list[str]) -> list[Config]:
    """Returns how the allowed origins match; `*` stands for all of them."""
    return [{"safe_regex": {"regex": ".*"}} if origin == "*" else {"exact": origin} for origin in origins]


def render(settings: GatewaySettings) -> Config:
    """Returns the whole configuration. Raises OSError without the contracts' descriptor set."""
    methods = contracts.public_methods(settings.contracts_file)
    addresses = settings.addresses()
    return template(
        "envoy.yaml",
        HOST=settings.gateway_host,
        PORT=settings.gateway_port,
        ADMIN_PORT=settings.gateway_admin_port,
        MAX_HEAP_BYTES=settings.gateway_max_heap_mib * 1024 * 1024,
        MAX_CONNECTIONS=settings.gateway_max_connections,
        TRUSTED_PROXIES=settings.gateway_trusted_proxies,
        VERSION=settings.service_version,
        CLUSTERS=[cluster(name, address, settings) for name, address in addresses.items()],
        FORGEABLE_HEADERS=forgeable_headers(settings.gateway_trusted_proxies),
        CORS_ORIGINS=origin_matchers(settings.origins()),
        ROUTES=routes(methods, settings),
        LUA=lua(),
        HEALTHY_PERCENTAGES={name: {"value": 100} for name in addresses},
        JWT_ISSUER=settings.jwt_issuer,
        JWKS_FILE=str(settings.jwks_file),
        JWT_RULES=jwt_rules(methods),
        DESCRIPTOR_FILE=str(settings.descriptor_path()),
        SERVICES=contracts.public_services(methods),
    )


class _Dumper(yaml.SafeDumper):
    """Writes longer texts, such as the Lua, line by line, and no aliases."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "\n" in value else None)


_Dumper.add_representer(str, _text)


def to_yaml(config: Config) -> str:
    """Returns a configuration as YAML for people."""
    head = "# Rendered by `python -m gateway.render`; change gateway/templates instead.\n"
    return head + yaml.dump(config, Dumper=_Dumper, sort_keys=False, width=110)


def main() -> None:
    """Renders for the environment into the file named on the command line."""
    if len(sys.argv) != 2:
        sys.exit("usage: python -m gateway.render OUTPUT")
    output = Path(sys.argv[1])
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(to_yaml(render(GatewaySettings())), encoding="utf-8")


if __name__ == "__main__":
    main()
