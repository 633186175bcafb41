"""Who may call what: tokens, browsers, native gRPC."""

from __future__ import annotations

import time
from typing import Any

import grpc
import jwt
import pytest

from tests.canonical_errors import error_of, reason_of
from tests.gateway.edge import Edge
from tests.gateway.upstream import Call
from tests.tokens import TestTokens
from tests.waiting import PATIENCE_SECONDS

FOCUS = "/focus/api/v1/sessions"
ORIGIN = "https://app.example"


def get(edge: Edge, token: str) -> int:
    return edge.http.get("/v1/sessions/5", headers={"authorization": f"Bearer {token}"}).status_code


def test_without_a_token_the_refusal_has_the_products_shape(edge: Edge, calls: list[Call]) -> None:
    message = "A valid access token is required"
    focus = edge.http.get(f"{FOCUS}/active")
    assert (focus.status_code, focus.json()) == (401, {"success": False, "message": message, "data": None})
    assert edge.http.post("/exercises/submit", json={}).json() == {"detail": message}
    canonical = edge.http.get("/v1/sessions")
    assert (canonical.status_code, reason_of(canonical)) == (401, "TOKEN_INVALID")
    assert error_of(canonical)["status"] == "UNAUTHENTICATED"
    assert canonical.headers["www-authenticate"] == "Bearer"
    assert not calls


@pytest.mark.parametrize(
    ("verb", "path"),
    [
        ("POST", "/v1/accounts:signUp"),
        ("POST", "/v1/accounts:logIn"),
        ("POST", "/v1/accounts:refresh/"),
        ("GET", "/.well-known/jwks.json"),
        ("GET", "/"),
        ("GET", "/health"),
        ("GET", "/health/"),
    ],
)
def test_the_ways_in_need_no_token(edge: Edge, verb: str, path: str) -> None:
    assert edge.http.request(verb, path, json={} if verb == "POST" else None).status_code == 200


@pytest.mark.parametrize("path", ["/v1/accounts:logOut", "/v1/accounts/me:changePassword"])
def test_their_neighbours_do(edge: Edge, path: str) -> None:
    assert edge.http.post(path, json={}).status_code == 401


@pytest.mark.parametrize(
    ("path", "shape"),
    [
        ("/v1/accountsXlogIn", {"error"}),
        ("/nothing", {"error"}),
        ("/exercises/nothing", {"detail"}),
        ("/portal/nothing", {"error", "message"}),
        ("/portal/ws/nothing", {"error", "message"}),
        ("/yoga/api/v1/nothing", {"detail"}),
        ("/focus/api/v1/nothing", {"success", "message", "data"}),
        ("/design/nothing", {"detail"}),
    ],
)
def test_whoever_asks_for_nothing_that_is_there_needs_no_token_to_hear_so(
    edge: Edge, path: str, shape: set[str]
) -> None:
    for verb in ("GET", "POST", "OPTIONS"):
        response = edge.http.request(verb, path)
        assert (response.status_code, response.headers["x-practice-reason"]) == (404, "PATH_NOT_FOUND")
        assert response.json().keys() == shape


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "somebody"},
        {"aud": "practice-refresh"},
        {"aud": None},
        {"exp": None},
    ],
    ids=str,
)
def test_a_token_for_something_else_is_refused(
    edge: Edge, tokens: TestTokens, claims: dict[str, Any]
) -> None:
    assert get(edge, tokens.issue(42)) == 200
    assert get(edge, tokens.issue(42, **claims)) == 401


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "bEARER", "bearer  "])
@pytest.mark.parametrize("path", ["/v1/sessions/5", f"{FOCUS}/active", "/portal/ws/sessions/5"])
def test_the_scheme_of_a_token_may_be_in_any_case(
    edge: Edge, calls: list[Call], tokens: TestTokens, scheme: str, path: str
) -> None:
    token = tokens.issue(42)
    response = edge.http.get(path, headers={"authorization": f"{scheme} {token}"})
    assert response.status_code != 401
    assert [call.metadata["authorization"] for call in calls] == [f"Bearer {token}"] * len(calls)


@pytest.mark.parametrize(
    "value", ["{token}", "basic {token}", "bearer", "bearer{token}", "bearer x, {token}"]
)
def test_another_scheme_or_none_is_refused(edge: Edge, tokens: TestTokens, value: str) -> None:
    headers = {"authorization": value.format(token=tokens.issue(42))}
    assert edge.http.get("/v1/sessions/5", headers=headers).status_code == 401


def test_five_seconds_of_clock_skew_are_forgiven_and_not_the_default_sixty(
    edge: Edge, tokens: TestTokens
) -> None:
    assert get(edge, tokens.issue(42, exp=int(time.time()) - 2)) == 200
    assert get(edge, tokens.issue(42, exp=int(time.time()) - 8)) == 401
    assert get(edge, tokens.issue(42, nbf=int(time.time()) + 30)) == 401


def test_a_token_of_another_key_or_algorithm_is_refused(edge: Edge, tokens: TestTokens) -> None:
    claims = jwt.decode(tokens.issue(42), options={"verify_signature": False})
    headers = {"kid": tokens.key_id}
    secret = "the public key as a shared secret, long enough for HS256"
    assert get(edge, jwt.encode(claims, "", algorithm="none", headers=headers)) == 401
    assert get(edge, jwt.encode(claims, secret, algorithm="HS256", headers=headers)) == 401
    assert get(edge, tokens.issue(42)[:-8] + "AAAAAAAA") == 401


def test_a_token_in_the_query_does_not_count(edge: Edge, tokens: TestTokens) -> None:
    response = edge.http.get(f"/v1/sessions/5?access_token={tokens.issue(42)}")
    assert response.status_code == 401
    assert "access_token" not in str(response.headers)


def test_a_preflight_needs_no_token(edge: Edge, calls: list[Call]) -> None:
    asked = {"origin": ORIGIN, "access-control-request-method": "PATCH"}
    response = edge.http.options(f"{FOCUS}/7/pause/", headers=asked)
    allowed = response.headers
    assert response.status_code == 200
    assert allowed["access-control-allow-origin"] == ORIGIN
    assert "PATCH" in allowed["access-control-allow-methods"]
    assert {"authorization", "idempotency-key", "x-time-zone", "last-event-id"} <= set(
        allowed["access-control-allow-headers"].split(", ")
    )
    assert not calls


def test_a_browser_may_read_answers_and_refusals(edge: Edge) -> None:
    origin = {"origin": ORIGIN}
    answers = [
        edge.call("GET", "/v1/sessions/5", headers=origin),
        edge.call("POST", FOCUS, scenario="conflict", json={}, headers=origin),
        edge.call("GET", "/focus/nothing", headers=origin),
        edge.http.get(FOCUS, headers=origin),
    ]
    assert [answer.status_code for answer in answers] == [200, 409, 404, 401]
    assert {answer.headers["access-control-allow-origin"] for answer in answers} == {ORIGIN}
    exposed = {
        name for answer in answers for name in answer.headers["access-control-expose-headers"].split(", ")
    }
    assert exposed >= {
        "retry-after",
        "ratelimit",
        "ratelimit-policy",
        "allow",
        "x-practice-reason",
        "x-practice-user-seq",
    }


def test_only_configured_origins_are_allowed(broken_edge: Edge) -> None:
    listed = broken_edge.call("GET", "/v1/sessions/5", headers={"origin": "https://one.example"})
    other = broken_edge.call("GET", "/v1/sessions/5", headers={"origin": ORIGIN})
    assert listed.headers["access-control-allow-origin"] == "https://one.example"
    assert "access-control-allow-origin" not in other.headers


@pytest.mark.parametrize(
    "media_type", ["application/grpc", "application/grpc+proto", "Application/GRPC-Web-Text"]
)
@pytest.mark.parametrize("path", ["/practice.session.v1.SessionService/GetSession", FOCUS])
def test_grpc_is_not_spoken_at_the_edge(edge: Edge, calls: list[Call], media_type: str, path: str) -> None:
    response = edge.call("POST", path, content=b"\0\0\0\0\0", headers={"content-type": media_type})
    said = response.json() if path == FOCUS else error_of(response)
    assert (response.status_code, said["message"]) == (415, "Only JSON over HTTP is served here")
    assert response.headers["content-type"] == "application/json"
    assert not calls


@pytest.mark.parametrize("content_type", ["application/json", "application/x-protobuf", "text/plain"])
def test_a_native_path_leads_nowhere(edge: Edge, calls: list[Call], content_type: str) -> None:
    forged = {"content-type": content_type, "x-envoy-original-path": "/v1/sessions/5", "te": "trailers"}
    for method in (
        "session.v1.SessionService/GetSession",
        "stats.v1.StatsAdminService/GetApplied",
        "catalog.v1.CatalogAdminService/BatchGetAnswerKeys",
        "session.v1.SessionExportService/ExportCompletions",
        "session.v1.OutboxAdminService/RequeueDeadLetters",
    ):
        assert edge.call("POST", f"/practice.{method}", content=b"{}", headers=forged).status_code == 404
    assert edge.call("POST", "/grpc.health.v1.Health/Check", content=b"{}").status_code == 404
    assert not calls


@pytest.mark.parametrize(
    "method", ["session.v1.SessionService/GetSession", "stats.v1.StatsAdminService/GetApplied"]
)
def test_a_real_grpc_client_gets_nowhere(
    edge: Edge, calls: list[Call], tokens: TestTokens, method: str
) -> None:
    with grpc.insecure_channel(edge.url.removeprefix("http://")) as channel:
        call: Any = channel.unary_unary(f"/practice.{method}")
        with pytest.raises(grpc.RpcError):
            call(b"", metadata=tokens.bearer(42), timeout=PATIENCE_SECONDS)
    assert not calls
