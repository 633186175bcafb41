"""Writes Envoy's configuration: `python -m gateway.render OUTPUT`.

The environment says for which place; the same templates serve the local
stack, docker-compose and Kubernetes. Rendering twice gives the same bytes.
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from string import Template
from typing import Any

import yaml

from gateway import contracts, lua, paths
from gateway.addresses import Endpoint, endpoints
from gateway.docs.routes import (
    LARGEST_FILE,
    operator_files,
    public_files,
    site_bindings,
    site_routes,
    site_rules,
)
from gateway.products import PRODUCTS, canonical, operators
from gateway.rate_limits import account_rate_limit, address_rate_limit
from gateway.replies import health_replies, refusal_replies
from gateway.routes import (
    BRIDGE,
    BY_TOKEN,
    INTERNAL_HEADER,
    LARGE_BODY,
    ORDINARY_BODY,
    Config,
    jwt_rules,
    operator_routes,
    routes,
    seconds,
)
from gateway.settings import GatewaySettings
from service_kit.setting_faults import read_settings
from service_kit.time_zones import zone_data_version

TEMPLATES = Path(__file__).parent / "templates"

# What of an answer may wait in the gateway for a client that reads slowly, in
# bytes, and the calls that one service is asked at once.
STREAM_WINDOW = 262_144
MAX_CALLS = 4096

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

# Who calls the operators' listener shows what opens every service, so there
# only what would lead the gateway or gRPC astray is removed.
OPERATORS_FORGEABLE_HEADERS: tuple[Config, ...] = (
    {"exact": "x-practice-client-address"},
    {"prefix": "x-envoy-"},
    {"exact": "cookie"},
    {"prefix": "grpc-"},
    {"suffix": "-bin"},
)


def template(name: str, **values: Any) -> Config:
    """Returns a template as data. Values go in as JSON, which YAML includes, so none can break out."""
    text = (TEMPLATES / name).read_text(encoding="utf-8")
    filled = Template(text).substitute({key: json.dumps(value) for key, value in values.items()})
    # libyaml's parser, as below its emitter: in Python alone they take ten times as long.
    config: Config = yaml.load(filled, Loader=yaml.CSafeLoader)
    return config


def cluster(name: str, address: str, settings: GatewaySettings) -> Config:
    """Returns the cluster of one service, or of the bridge: all its copies, each asked for its health."""
    copies = endpoints(address)
    return template(
        "bridge.yaml" if name == BRIDGE else "cluster.yaml",
        NAME=name,
        DISCOVERY="STATIC" if all(each.is_number for each in copies) else "STRICT_DNS",
        # By token, or else the copy with the fewest calls under way.
        LB_POLICY="MAGLEV" if name in BY_TOKEN else "LEAST_REQUEST",
        CONSISTENT_HASHING={"hash_balance_factor": 150} if name in BY_TOKEN else None,
        ENDPOINTS=[{"endpoint": {"address": socket_address(each)}} for each in copies],
        STREAM_WINDOW=STREAM_WINDOW,
        CONNECTION_WINDOW=MAX_CALLS * STREAM_WINDOW,
        MAX_CALLS=MAX_CALLS,
        MAX_OPEN_CALLS=settings.gateway_max_open_calls,
        HEALTH_INTERVAL=seconds(settings.gateway_health_interval_seconds),
        HEALTH_TIMEOUT=seconds(settings.gateway_health_timeout_seconds),
    )


def of_writes(service: Config) -> Config:
    """Returns a cluster that nothing is routed to: its health says whether the service takes changes."""
    check = {**service["health_checks"][0], "grpc_health_check": {"service_name": "writes"}}
    name = f"{service['name']}-writes"
    assignment = {**service["load_assignment"], "cluster_name": name}
    return {**service, "name": name, "load_assignment": assignment, "health_checks": [check]}


def socket_address(endpoint: Endpoint) -> Config:
    """Returns an endpoint as Envoy names it."""
    return {"socket_address": {"address": endpoint.host, "port_value": endpoint.port}}


def forgeable_headers(trusted_proxies: int) -> list[Config]:
    """Returns what to remove: FORGEABLE_HEADERS, and the client's address where no proxy vouches for it."""
    unvouched: list[Config] = [{"exact": "x-forwarded-for"}] if trusted_proxies == 0 else []
    return removals(*FORGEABLE_HEADERS, *unvouched)


def removals(*matchers: Config) -> list[Config]:
    """Returns the mutations that remove the headers whose names match."""
    return [{"remove_on_match": {"key_matcher": each}} for each in matchers]


def origin_matchers(origins: list[str]) -> list[Config]:
    """Returns how the allowed origins match; `*` stands for all of them."""
    return [{"safe_regex": {"regex": ".*"}} if origin == "*" else {"exact": origin} for origin in origins]


def render(settings: GatewaySettings) -> Config:
    """Returns the whole configuration. Raises OSError without the contracts' descriptor set."""
    methods = contracts.public_methods(settings.contracts_file)
    events = contracts.event_methods(settings.contracts_file)
    operator_methods = contracts.operator_methods(settings.contracts_file)
    site, operator_site = public_files(settings), operator_files(settings)
    by_hand = (*paths.FRONT_DOOR, paths.LIVE, *site_bindings(site))
    public_paths = paths.path_table(methods, settings.contracts_file, by_hand, events=events)
    operator_paths = paths.path_table(operator_methods, settings.contracts_file, site_bindings(operator_site))
    addresses = settings.addresses()
    services = {name: cluster(name, address, settings) for name, address in addresses.items()}
    errors_url = settings.gateway_errors_url
    products, for_operators = (*PRODUCTS, canonical(errors_url)), (operators(errors_url),)
    writes = [of_writes(each) for name, each in services.items() if name != BRIDGE]
    return template(
        "envoy.yaml",
        HOST=settings.gateway_host,
        PORT=settings.gateway_port,
        ADMIN_PORT=settings.gateway_admin_port,
        MAX_HEAP_BYTES=settings.gateway_max_heap_mib * 1024 * 1024,
        MAX_CONNECTIONS=settings.gateway_max_connections,
        TRUSTED_PROXIES=settings.gateway_trusted_proxies,
        CLUSTERS=[*services.values(), *writes],
        FORGEABLE_HEADERS=forgeable_headers(settings.gateway_trusted_proxies),
        CORS_ORIGINS=origin_matchers(settings.origins()),
        ROUTES=routes([*methods, *events.values()], settings, site_routes(site, settings)),
        LARGEST_FILE=LARGEST_FILE,
        LOCAL_REPLIES=[
            *health_replies(settings.service_version, zone_data_version()),
            *refusal_replies(products),
        ],
        LUA=lua.script(products, public_paths, errors_url),
        QUERY_LUA=lua.query_script(),
        UPLOAD_SECONDS=seconds(settings.gateway_upload_seconds),
        ADDRESS_RATE_LIMIT=address_rate_limit(
            settings.gateway_address_rate, settings.gateway_address_burst, "all"
        ),
        ACCOUNT_RATE_LIMIT=account_rate_limit(settings),
        UPLOADS_LUA=lua.upload_script(settings),
        ORDINARY_BODY=ORDINARY_BODY,
        LARGE_BODY=LARGE_BODY,
        # One healthy copy of a service is enough for it to be there, and one that writes for changes.
        HEALTHY_PERCENTAGES={name: {"value": 1} for name in (*services, *(each["name"] for each in writes))},
        JWT_ISSUER=settings.jwt_issuer,
        JWKS_FILE=str(settings.jwks_file),
        JWT_RULES=jwt_rules(methods, site_rules(site)),
        DESCRIPTOR_FILE=str(settings.descriptor_path()),
        SERVICES=contracts.services_of(methods),
        OPERATORS_HOST=settings.gateway_operators_host,
        OPERATORS_PORT=settings.gateway_operators_port,
        OPERATORS_FORGEABLE_HEADERS=removals(*OPERATORS_FORGEABLE_HEADERS),
        OPERATORS_ROUTES=operator_routes(operator_methods, settings, site_routes(operator_site, settings)),
        OPERATORS_LOCAL_REPLIES=refusal_replies(for_operators),
        OPERATORS_LUA=lua.script(for_operators, operator_paths, errors_url, INTERNAL_HEADER),
        OPERATORS_SERVICES=contracts.services_of(operator_methods),
    )


class _Dumper(yaml.CSafeDumper):
    """Writes longer texts, such as the Lua, line by line, and no aliases."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(dumper: yaml.CSafeDumper, value: str) -> yaml.ScalarNode:
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
    settings = read_settings(GatewaySettings)
    # Beside the configuration that names its files, which a later build then cannot take away from it.
    site = output.parent / "docs"
    shutil.rmtree(site, ignore_errors=True)
    if settings.docs_folder.is_dir():
        shutil.copytree(settings.docs_folder, site)
    settings = settings.model_copy(update={"docs_folder": site})
    output.write_text(to_yaml(render(settings)), encoding="utf-8")


if __name__ == "__main__":
    main()
