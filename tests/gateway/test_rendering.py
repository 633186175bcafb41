"""The rendered configuration, for every place it is rendered for."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from envoy.config.bootstrap.v3 import bootstrap_pb2

# Imported so that the types named in the configuration can be found.
from envoy.extensions.access_loggers.filters.cel.v3 import cel_pb2  # noqa: F401
from envoy.extensions.access_loggers.stream.v3 import stream_pb2  # noqa: F401
from envoy.extensions.filters.http.buffer.v3 import buffer_pb2  # noqa: F401
from envoy.extensions.filters.http.cors.v3 import cors_pb2  # noqa: F401
from envoy.extensions.filters.http.grpc_json_transcoder.v3 import transcoder_pb2  # noqa: F401
from envoy.extensions.filters.http.header_mutation.v3 import header_mutation_pb2  # noqa: F401
from envoy.extensions.filters.http.health_check.v3 import health_check_pb2  # noqa: F401
from envoy.extensions.filters.http.jwt_authn.v3 import config_pb2  # noqa: F401
from envoy.extensions.filters.http.local_ratelimit.v3 import local_rate_limit_pb2  # noqa: F401
from envoy.extensions.filters.http.lua.v3 import lua_pb2  # noqa: F401
from envoy.extensions.filters.http.router.v3 import router_pb2  # noqa: F401
from envoy.extensions.filters.network.http_connection_manager.v3 import (
    http_connection_manager_pb2,  # noqa: F401
)
from envoy.extensions.http.early_header_mutation.header_mutation.v3 import (
    header_mutation_pb2 as early_pb2,  # noqa: F401
)
from envoy.extensions.resource_monitors.downstream_connections.v3 import (
    downstream_connections_pb2,  # noqa: F401
)
from envoy.extensions.resource_monitors.fixed_heap.v3 import fixed_heap_pb2  # noqa: F401
from envoy.extensions.retry.host.previous_hosts.v3 import previous_hosts_pb2  # noqa: F401
from envoy.extensions.upstreams.http.v3 import http_protocol_options_pb2  # noqa: F401
from google.protobuf import json_format
from practice.errors.v1 import error_reason_pb2

from deploy.local import programs
from gateway import contracts
from gateway.products import PRODUCTS, canonical
from gateway.refusals import MALFORMED, REFUSALS
from gateway.render import render, to_yaml
from gateway.settings import ROOT, GatewaySettings
from tests.tokens import TestTokens

CONTRACTS = ROOT / "generated" / "practice.binpb"


@pytest.fixture
def settings(tokens: TestTokens) -> GatewaySettings:
    return GatewaySettings(
        jwks_file=tokens.directory / "jwks.json", descriptor_file=CONTRACTS, cors_origins="*"
    )


def service_names(settings: GatewaySettings, **changes: Any) -> GatewaySettings:
    names = ("identity", "catalog", "session", "stats", "bridge")
    addresses = {f"{name}_address": f"{name}:{50051 + number}" for number, name in enumerate(names)}
    return settings.model_copy(update={**addresses, **changes})


def test_the_configuration_has_the_types_that_envoy_defines(settings: GatewaySettings) -> None:
    json_format.ParseDict(render(settings), bootstrap_pb2.Bootstrap())


@pytest.mark.parametrize("place", ["loopback", "service names"])
def test_envoy_accepts_the_configuration_without_a_warning(
    settings: GatewaySettings, tmp_path: Path, place: str
) -> None:
    config = tmp_path / "envoy.yaml"
    chosen = settings if place == "loopback" else service_names(settings, gateway_host="0.0.0.0")
    config.write_text(to_yaml(render(chosen)))
    command = [str(programs.envoy()), "--mode", "validate", "-c", str(config)]
    command += ["--log-level", "warning", "--disable-hot-restart"]
    outcome = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (outcome.returncode, outcome.stderr) == (0, "")


def test_a_service_name_is_looked_up_and_an_address_is_not(settings: GatewaySettings) -> None:
    assert {each["type"] for each in clusters(settings)} == {"STATIC"}
    assert {each["type"] for each in clusters(service_names(settings))} == {"STRICT_DNS"}
    assert {each["type"] for each in clusters(settings.model_copy(update={"stats_address": "[::1]:1"}))} == {
        "STATIC"
    }


def test_the_window_of_a_connection_has_room_for_every_call_there_may_be(settings: GatewaySettings) -> None:
    options = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
    for each in clusters(settings)[:4]:
        http2 = each["typed_extension_protocol_options"][options]["explicit_http_config"][
            "http2_protocol_options"
        ]
        most = max(limit["max_requests"] for limit in each["circuit_breakers"]["thresholds"])
        assert http2["initial_connection_window_size"] >= most * http2["initial_stream_window_size"]


def test_every_method_with_a_body_of_its_own_size_has_a_body() -> None:
    methods = contracts.public_methods(CONTRACTS)
    with_bodies = {each.name for each in methods if any(binding.verb != "GET" for binding in each.bindings)}
    assert with_bodies >= contracts.LARGE_METHODS
    assert {each.name for each in methods if each.streaming} >= contracts.WATCHES


def test_every_watch_and_nothing_else_can_be_answered_by_events() -> None:
    paths = {each.bindings[0].path: each for each in contracts.public_methods(CONTRACTS)}
    events = contracts.event_methods(CONTRACTS)
    assert {paths[path].name for path in events} == contracts.WATCHES
    for path, method in events.items():
        assert method.streaming
        assert (method.name, method.request) == (f"{paths[path].name}AsEvents", paths[path].request)


def clusters(settings: GatewaySettings) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = render(settings)["static_resources"]["clusters"]
    return found


def test_calls_with_a_token_choose_a_copy_of_the_session_service_and_of_no_other(
    settings: GatewaySettings,
) -> None:
    policies = {each["name"]: each["lb_policy"] for each in clusters(settings)}
    assert {name for name, policy in policies.items() if policy == "MAGLEV"} == {"session", "session-writes"}
    assert set(policies.values()) == {"MAGLEV", "LEAST_REQUEST"}
    connections = [
        listener["filter_chains"][0]["filters"][0]["typed_config"]
        for listener in render(settings)["static_resources"]["listeners"]
    ]
    by_token = {
        (route["route"]["cluster"], json.dumps(route["route"].get("hash_policy")))
        for connection in connections
        for route in connection["route_config"]["virtual_hosts"][0]["routes"]
        if "cluster" in route.get("route", ())
    }
    assert {policy for cluster, policy in by_token if cluster == "session"} == {
        '[{"header": {"header_name": "authorization"}}]'
    }
    assert {policy for cluster, policy in by_token if cluster != "session"} == {"null"}


def test_the_admin_page_is_on_loopback_wherever_the_gateway_listens(settings: GatewaySettings) -> None:
    config = render(settings.model_copy(update={"gateway_host": "0.0.0.0"}))
    assert config["admin"]["address"]["socket_address"]["address"] == "127.0.0.1"


def test_so_is_the_operators_listener_unless_said_otherwise(settings: GatewaySettings) -> None:
    changed = settings.model_copy(update={"gateway_host": "0.0.0.0", "gateway_port": 1})
    listeners = render(changed)["static_resources"]["listeners"]
    sockets = {each["name"]: each["address"]["socket_address"] for each in listeners}
    assert sockets["edge"] == {"address": "0.0.0.0", "port_value": 1}
    assert sockets["operators"] == {"address": "127.0.0.1", "port_value": 9902}


def test_the_command_writes_the_configuration_that_the_environment_asks_for(
    settings: GatewaySettings, tmp_path: Path
) -> None:
    output = tmp_path / "new" / "envoy.yaml"
    environment = {"JWKS_FILE": str(settings.jwks_file), "GATEWAY_PORT": "18099", "CORS_ORIGINS": "*"}
    command = [sys.executable, "-m", "gateway.render", str(output)]
    subprocess.run(command, env=environment, cwd=ROOT, check=True)
    # What it serves lies beside it.
    expected = settings.model_copy(update={"gateway_port": 18099, "docs_folder": output.parent / "docs"})
    assert yaml.load(output.read_text(), Loader=yaml.CSafeLoader) == render(expected)


def test_every_public_service_and_no_internal_one_is_at_the_edge() -> None:
    services = contracts.services_of(contracts.public_methods(CONTRACTS))
    assert set(services) >= {
        "practice.identity.v1.IdentityService",
        "practice.catalog.v1.CatalogService",
        "practice.session.v1.SessionService",
        "practice.stats.v1.StatsService",
        "practice.products.exercises.v1.ExercisesService",
        "practice.products.focus.v1.FocusService",
        "practice.products.focus.v1.FocusProgressService",
        "practice.products.portal.v1.PortalService",
        "practice.products.yoga.v1.YogaService",
        "practice.products.design.v1.DesignUsersService",
        "practice.products.design.v1.DesignProblemsService",
        "practice.products.design.v1.DesignSessionsService",
    }
    assert "practice.products.portal.v1.PortalLiveService" not in services
    assert not [name for name in services if name.endswith(("AdminService", "ExportService"))]
    assert {contracts.cluster_of(name) for name in services} == {"identity", "catalog", "session", "stats"}


def test_the_operators_have_admin_methods_with_a_path_and_nobody_else_has() -> None:
    methods = contracts.operator_methods(CONTRACTS)
    assert all(each.path.startswith("/admin/v1/") for method in methods for each in method.bindings)
    public = contracts.public_methods(CONTRACTS)
    assert not [each for method in public for each in method.bindings if each.path.startswith("/admin")]
    names = {method.name.removeprefix("practice.") for method in methods}
    assert names >= {
        "stats.v1.StatsAdminService/LoadBadgeDefinitions",
        "stats.v1.StreakAdminService/RepairStreak",
    }
    assert not names & {
        "stats.v1.StatsAdminService/GetApplied",
        "session.v1.LearnerAdminService/RememberCalendar",
    }


def test_every_open_method_is_one_of_the_edge() -> None:
    assert {method.name for method in contracts.public_methods(CONTRACTS)} >= contracts.OPEN_METHODS


def test_a_service_without_a_cluster_stops_the_rendering() -> None:
    with pytest.raises(LookupError, match=r"practice\.unheard\.v1"):
        contracts.cluster_of("practice.unheard.v1.UnheardService")


@pytest.mark.parametrize(
    ("template", "pattern"),
    [
        ("/v1/accounts:logIn", "/v1/accounts:logIn"),
        ("/.well-known/jwks.json", r"/\.well\-known/jwks\.json"),
        ("/v1/{name=sessions/*}:pause", "/v1/sessions/[^/]+:pause"),
        ("/focus/{id}/end", "/focus/[^/]+/end"),
        ("/files/{path=**}", "/files/.+"),
    ],
)
def test_a_path_template_becomes_the_pattern_of_its_paths(template: str, pattern: str) -> None:
    assert contracts.path_pattern(template) == pattern


def test_every_reason_the_edge_gives_is_one_of_the_contract() -> None:
    known = set(error_reason_pb2.ErrorReason.keys())
    assert {f"ERROR_REASON_{refusal.reason}" for refusal in (*REFUSALS, MALFORMED)} <= known


def test_what_cannot_be_read_has_the_shape_and_status_of_each_product() -> None:
    bodies = {
        row.name: (row.malformed_status, row.error_body(MALFORMED))
        for row in (*PRODUCTS, canonical("docs/x.md"))
    }
    message = MALFORMED.message
    assert bodies["exercises"] == (400, {"detail": message})
    assert bodies["portal"] == (400, {"error": "invalid_request", "message": message})
    assert bodies["focus"] == (400, {"success": False, "message": message, "data": None})
    error = bodies["canonical"][1]["error"]
    assert (error["code"], error["status"]) == (400, "INVALID_ARGUMENT")
    assert error["details"][0]["reason"] == "REQUEST_MALFORMED"
    assert error["details"][1]["links"][0]["url"] == "docs/x.md#request_malformed"
    assert bodies["yoga"][0] == bodies["design"][0] == 422
