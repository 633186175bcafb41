"""docs/endpoints.md lists what the gateway serves and what the documents promise, each with a test."""

from __future__ import annotations

import ast
import re
from collections import Counter
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorSet

from gateway import contracts
from gateway.docs.manifest import SiteFile, write_manifest
from gateway.render import render
from gateway.routes import LIVE_PREFIX
from gateway.settings import ROOT, GatewaySettings

TABLE = ROOT / "docs" / "endpoints.md"
CONTRACTS = ROOT / "generated" / "practice.binpb"

# The endpoints of each product's document, below its base path at the gateway, and the additions agreed on.
DOCUMENTED = {
    "exercises": (
        ("", "/api"),
        """
        POST /exercises/session/start
        POST /exercises/submit
        POST /exercises/session/end
        """,
    ),
    "portal": (
        ("/portal",),
        """
        POST /api/v1/sessions/start
        POST /api/v1/sessions/{session_id}/progress
        POST /api/v1/sessions/{session_id}/complete
        GET /api/v1/sessions/history
        GET /api/v1/sessions/{session_id}
        GET /ws/sessions/{session_id}
        POST /api/v1/sessions/{id}/cancel
        """,
    ),
    "yoga": (
        ("/yoga",),
        """
        POST /api/v1/sessions/start
        POST /api/v1/sessions/complete
        PUT /api/v1/sessions/{session_id}/pause
        GET /api/v1/sessions/current
        PUT /api/v1/sessions/{id}/resume
        GET /api/v1/sessions/history
        GET /api/v1/sessions/stats
        GET /api/v1/sessions/calendar
        PUT /api/v1/sessions/{id}/notes
        """,
    ),
    "focus": (
        ("/focus",),
        """
        POST /api/v1/sessions
        GET /api/v1/sessions/active
        PATCH /api/v1/sessions/{id}/pause
        PATCH /api/v1/sessions/{id}/resume
        PATCH /api/v1/sessions/{id}/end
        GET /api/v1/sessions
        GET /api/v1/progress
        GET /api/v1/streak
        GET /api/v1/badges
        """,
    ),
    "design": (
        ("/design",),
        """
        POST /users/signup
        POST /users/login
        POST /users/refresh
        GET /users/me
        POST /users/logout
        POST /problems/
        GET /problems/{problem_id}
        GET /problems/
        GET /problems/user/my-problems
        PUT /problems/{problem_id}
        DELETE /problems/{problem_id}
        GET /problems/search/query
        POST /submissions/
        POST /submissions/from-session/{session_id}
        GET /submissions/user/my-submissions
        GET /submissions/problem/{problem_id}
        GET /submissions/{submission_id}
        PUT /submissions/{submission_id}
        POST /submissions/{submission_id}/chat
        DELETE /submissions/{submission_id}
        POST /sessions/
        GET /sessions/{session_id}
        GET /sessions/problem/{problem_id}
        PUT /sessions/{session_id}/autosave
        PUT /sessions/{session_id}/pause
        PUT /sessions/{session_id}/resume
        POST /sessions/{session_id}/chat
        DELETE /sessions/{session_id}
        GET /sessions/user/my-sessions
        """,
    ),
    "edge": (("",), "GET /\nGET /health\nGET /docs/\nGET /docs/reference\nGET /llms.txt"),
}


class Row(NamedTuple):
    """A row of the table, without its quotes."""

    product: str
    method: str
    path: str
    rpc: str
    test: str


@cache
def table() -> list[Row]:
    lines = [line for line in TABLE.read_text(encoding="utf-8").splitlines() if line.startswith("| ")]
    return [Row(*(cell.strip(" `") for cell in line.strip("|").split(" | "))) for line in lines[2:]]


@cache
def bound() -> dict[tuple[str, str], contracts.Method]:
    """The methods of both listeners by what the contracts bind them to."""
    methods = contracts.public_methods(CONTRACTS) + contracts.operator_methods(CONTRACTS)
    return {(each.verb, each.path): method for method in methods for each in method.bindings}


@cache
def edge_config() -> Any:
    given = {"jwks_file": Path("jwks.json"), "contracts_file": CONTRACTS, "cors_origins": "*"}
    with TemporaryDirectory() as folder:
        pages = ("/docs/", "/docs/reference", "/llms.txt")
        write_manifest(Path(folder), [SiteFile(path, "text/html", plain="page") for path in pages])
        return render(GatewaySettings(**given, docs_folder=Path(folder)))


def connection_manager(listener_name: str) -> Any:
    listeners = edge_config()["static_resources"]["listeners"]
    (listener,) = [each for each in listeners if each["name"] == listener_name]
    return listener["filter_chains"][0]["filters"][0]["typed_config"]


def routed(path: str, listener: str = "edge") -> list[Any]:
    """Returns a listener's routes that name a path, prefixes for everything else left out."""
    routes = connection_manager(listener)["route_config"]["virtual_hosts"][0]["routes"]
    matches = [(route, route["match"]) for route in routes]
    return [
        route
        for route, match in matches
        if match.get("path") == path
        or (len(match.get("prefix", "")) > 1 and path.startswith(match["prefix"]))
        or re.fullmatch(match.get("safe_regex", {}).get("regex", "(?!)"), path)
    ]


def answered_by_a_filter(path: str) -> bool:
    """Tells whether the health check answers a path before it is routed."""
    filters = [each["typed_config"] for each in connection_manager("edge")["http_filters"]]
    headers = [header for each in filters for header in each.get("headers", [])]
    return {"name": ":path", "string_match": {"exact": path}} in headers


def spelt_alike(path: str) -> str:
    """Returns a path with its variables nameless and without the slash at its end."""
    return re.sub(r"\{[^}]+\}", "{}", path).rstrip("/") or "/"


@cache
def functions_of(file: Path) -> frozenset[str]:
    tree = ast.parse(file.read_text(encoding="utf-8")) if file.is_file() else ast.Module([], [])
    return frozenset(
        node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )


def test_no_endpoint_is_listed_twice() -> None:
    counted = Counter((row.method, row.path) for row in table())
    assert [endpoint for endpoint, times in counted.items() if times > 1] == []


def test_every_route_of_the_contracts_is_listed() -> None:
    listed = {(row.method, row.path) for row in table()}
    assert sorted(set(bound()) - listed) == []


@pytest.mark.parametrize("row", table(), ids=lambda row: f"{row.method} {row.path}")
def test_every_row_has_its_route_and_its_rpc(row: Row) -> None:
    method = bound().get((row.method, row.path))
    if method is None:
        assert routed(row.path) or answered_by_a_filter(row.path)
    else:
        assert row.rpc == method.name.removeprefix("practice.")
        listeners = {name for name in ("edge", "operators") if routed(f"/{method.name}", name)}
        product = re.match(r"practice\.products\.(\w+)\.", method.name)
        if listeners == {"edge"}:
            assert row.product == (product[1] if product else "canonical")
        else:
            assert (row.product, listeners) == ("operators", {"operators"})


def test_the_rpc_behind_the_websocket_is_one_of_the_contracts() -> None:
    (live,) = [row for row in table() if (row.method, row.path) not in bound() and row.product != "edge"]
    assert live.path == f"{LIVE_PREFIX}sessions/{{session_id}}"
    package, _, rpc = live.rpc.rpartition(".")
    files = FileDescriptorSet.FromString(CONTRACTS.read_bytes()).file
    services = [each for file in files if file.package == f"practice.{package}" for each in file.service]
    assert rpc in [f"{service.name}/{method.name}" for service in services for method in service.method]


@pytest.mark.parametrize("product", DOCUMENTED)
def test_every_endpoint_of_a_document_is_listed(product: str) -> None:
    bases, lines = DOCUMENTED[product]
    endpoints = [line.split() for line in lines.strip().splitlines()]
    wanted = {(method, spelt_alike(base + path)) for method, path in endpoints for base in bases}
    listed = {(row.method, spelt_alike(row.path)) for row in table() if row.product == product}
    assert sorted(wanted - listed) == []
    # What is listed beyond the documents has not been promised to anybody.
    assert sorted(listed - wanted) == []


def segments(path: str) -> list[str]:
    """Returns a path's segments, `{}` for each variable; a pattern such as `{name=sessions/*}` has two."""
    pattern = re.sub(r"\{\w[\w.]*=([^}]+)\}", lambda variable: variable[1].replace("*", "{}"), path)
    return re.sub(r"\{\w[^}]*\}", "{}", pattern).strip("/").split("/")


def test_no_canonical_path_has_a_fixed_word_where_another_has_an_id() -> None:
    paths = [segments(row.path) for row in table() if row.product in ("canonical", "operators")]
    ids = {tuple(path[:at]) for path in paths for at, each in enumerate(path) if each.startswith("{}")}
    words = {
        "/".join(path[: at + 1])
        for path in paths
        for at, each in enumerate(path)
        if tuple(path[:at]) in ids and not each.startswith("{}")
    }
    assert words == set()


def test_every_named_test_exists() -> None:
    named = {row.test for row in table()}
    missing = []
    for name in sorted(named):
        file, _, function = name.partition("::")
        if not function.startswith("test_") or function not in functions_of(ROOT / file):
            missing.append(name)
    assert missing == []
