"""The operators' listener: admin methods as REST for those who show a token, and nothing else."""

from __future__ import annotations

from typing import Any

import grpc
import httpx
import pytest

from tests.canonical_errors import error_of, reason_of
from tests.gateway.edge import Edge
from tests.gateway.upstream import PIECES, Call
from tests.tokens import TestTokens
from tests.waiting import PATIENCE_SECONDS

TOKEN = {"x-practice-internal": "a token for the services to judge"}
JOB = "2b4ee9ac-2d42-4a31-9a5c-2f2c3f6a3f0b"
ROUTES = [
    ("GET", "/admin/v1/users/7/streaks:explain", "stats", "ExplanationAdminService.ExplainUserStreak"),
    ("POST", "/admin/v1/badges:load", "stats", "StatsAdminService.LoadBadgeDefinitions"),
    ("GET", "/admin/v1/recalculations:latest", "stats", "RecalculationAdminService.GetRecalculation"),
    (
        "POST",
        f"/admin/v1/recalculations/{JOB}:cancel/",
        "stats",
        "RecalculationAdminService.CancelRecalculation",
    ),
    ("POST", "/admin/v1/deadLetters:requeue", "session", "OutboxAdminService.RequeueDeadLetters"),
    ("POST", "/admin/v1/accounts:find", "identity", "AccountAdminService.FindAccount"),
    ("POST", "/admin/v1/users/7:erase", "identity", "PrivacyAdminService.EraseAccount"),
]


def refused(response: httpx.Response) -> tuple[int, str, str]:
    """Returns the status, reason and message of a canonical error."""
    return response.status_code, reason_of(response), error_of(response)["message"]


def body_for(verb: str) -> Any:
    return None if verb == "GET" else {}


@pytest.mark.parametrize(("verb", "path", "server", "method"), ROUTES)
def test_a_call_reaches_its_method_with_the_token(
    edge: Edge, calls: list[Call], verb: str, path: str, server: str, method: str
) -> None:
    response = edge.operators.request(verb, path, json=body_for(verb), headers=TOKEN)
    assert response.status_code == 200, response.text
    (call,) = calls
    assert (call.server, call.method.split(".v1.")[1]) == (server, method)
    assert TOKEN.items() <= call.metadata.items()
    assert (call.seconds_left or 0) > 10


def test_path_and_query_fill_the_request(edge: Edge, calls: list[Call]) -> None:
    path = "/admin/v1/users/7/badges/focus-first-session:explain"
    assert edge.operators.get(path, headers=TOKEN).status_code == 200
    query = "question.product=focus&question.date=2026-05-15"
    edge.operators.get(f"/admin/v1/users/7/streaks:explainBreak?{query}", headers=TOKEN)
    edge.operators.get("/admin/v1/recalculations:latest", headers=TOKEN)
    badge, day, job = (call.request for call in calls)
    assert (badge.user_id, badge.question.badge_id) == (7, "focus-first-session")
    assert (day.user_id, day.question.product, day.question.date) == (7, "focus", "2026-05-15")
    assert job.job_id == ""


def test_an_archive_is_streamed_as_it_is(edge: Edge, calls: list[Call]) -> None:
    response = edge.operators.get("/admin/v1/users/7:export", headers=TOKEN)
    assert (response.status_code, len(response.content)) == (200, sum(map(len, PIECES)))
    assert 60 < (calls[0].seconds_left or 0) <= edge.settings.gateway_download_seconds


@pytest.mark.parametrize(
    ("verb", "path"), [(verb, path) for verb, path, *_ in ROUTES] + [("GET", "/"), ("PUT", "/x")]
)
@pytest.mark.parametrize("body", [None, b"{", b"x" * 3_000_000], ids=["none", "broken", "large"])
def test_without_a_token_nothing_is_read(
    edge: Edge, calls: list[Call], tokens: TestTokens, verb: str, path: str, body: bytes | None
) -> None:
    # An access token is no internal one.
    headers = {"authorization": f"Bearer {tokens.issue(42)}"}
    response = edge.operators.request(verb, path, content=body, headers=headers)
    assert refused(response) == (
        401,
        "TOKEN_INVALID",
        "The platform's internal token is required in x-practice-internal",
    )
    assert "www-authenticate" not in response.headers
    assert not calls


@pytest.mark.parametrize(("verb", "path"), [(verb, path) for verb, path, *_ in ROUTES])
def test_the_public_listener_knows_none_of_it(edge: Edge, calls: list[Call], verb: str, path: str) -> None:
    for client in (edge.call, edge.http.request):
        response = client(verb, path, json=body_for(verb), headers=TOKEN)
        assert refused(response)[:2] == (404, "PATH_NOT_FOUND")
    assert not calls


def test_the_public_api_is_not_here(edge: Edge, calls: list[Call]) -> None:
    for path in ("/v1/sessions/5", "/focus/api/v1/sessions/active", "/portal/ws/sessions/5", "/health", "/"):
        assert refused(edge.operators.get(path, headers=TOKEN))[:2] == (404, "PATH_NOT_FOUND")
    assert not calls


def test_methods_of_the_platforms_own_services_are_not_here(edge: Edge, calls: list[Call]) -> None:
    forged = {**TOKEN, "x-envoy-original-path": "/admin/v1/badges:load"}
    for method in (
        "stats.v1.StatsAdminService/GetApplied",
        "stats.v1.StatsAdminService/LoadBadgeDefinitions",
        "catalog.v1.CatalogAdminService/LoadExercises",
        "session.v1.SessionExportService/ExportCompletions",
    ):
        response = edge.operators.post(f"/practice.{method}", content=b"{}", headers=forged)
        assert refused(response)[:2] == (404, "PATH_NOT_FOUND")
    assert not calls


def test_grpc_is_not_spoken_here(edge: Edge, calls: list[Call], tokens: TestTokens) -> None:
    path = "/practice.stats.v1.StatsAdminService/GetApplied"
    native = {**TOKEN, "content-type": "application/grpc"}
    response = edge.operators.post(path, content=b"\0\0\0\0\0", headers=native)
    assert refused(response) == (415, "REQUEST_MALFORMED", "Only JSON over HTTP is served here")
    with grpc.insecure_channel(f"127.0.0.1:{edge.settings.gateway_operators_port}") as channel:
        call: Any = channel.unary_unary(path)
        with pytest.raises(grpc.RpcError):
            call(b"", metadata=tuple(TOKEN.items()), timeout=PATIENCE_SECONDS)
    assert not calls


def test_a_web_page_is_told_nothing(edge: Edge, calls: list[Call]) -> None:
    asked = {"origin": "https://app.example", "access-control-request-method": "POST"}
    for response in (
        edge.operators.options("/admin/v1/badges:load", headers=asked),
        edge.operators.get("/admin/v1/recalculations:latest", headers={**TOKEN, **asked}),
    ):
        assert not [name for name in response.headers if name.startswith("access-control-")]


@pytest.mark.parametrize(
    ("verb", "path", "body", "message"),
    [
        ("POST", "/admin/v1/badges:load", b"{", "The request body is not the JSON this call takes"),
        ("POST", "/admin/v1/badges:load", b'{"badge_definitions": [{"hidden": "often"}]}', "hidden"),
        ("GET", "/admin/v1/users/ana/streaks:explain", None, "user_id"),
        ("GET", "/admin/v1/users/7/streaks:explain?product=focus", None, "product: no such field"),
        ("POST", "/admin/v1/users/7:erase", b'{"user_id": 8}', "The request"),
    ],
)
def test_what_cannot_be_read_is_one_clear_error(
    edge: Edge, calls: list[Call], verb: str, path: str, body: bytes | None, message: str
) -> None:
    status, reason, said = refused(edge.operators.request(verb, path, content=body, headers=TOKEN))
    assert (status, reason) == (400, "REQUEST_MALFORMED")
    assert message in said
    assert not calls


def test_a_services_refusal_passes_and_a_missing_service_is_named(edge: Edge, broken_edge: Edge) -> None:
    path = "/admin/v1/recalculations:latest"
    failed = edge.operators.get(path, headers={**TOKEN, "x-scenario": "not_found"})
    assert refused(failed) == (404, "SESSION_NOT_FOUND", "No such session")
    crashed = edge.operators.get(path, headers={**TOKEN, "x-scenario": "crash"})
    assert refused(crashed)[:2] == (500, "INTERNAL")
    assert "secret" not in crashed.text
    gone = broken_edge.operators.get(path, headers=TOKEN)
    assert refused(gone)[:2] == (503, "DEPENDENCY_UNAVAILABLE")
