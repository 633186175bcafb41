"""What the edge refuses by itself: JSON in the product's shape, in plain words."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from tests.canonical_errors import error_of, read_error, reason_of
from tests.gateway.edge import Edge
from tests.gateway.upstream import Call
from tests.waiting import eventually

FOCUS = "/focus/api/v1/sessions"


def focus(message: str) -> dict[str, Any]:
    return {"success": False, "message": message, "data": None}


def assert_canonical(response: httpx.Response, status: int, code: str, reason: str) -> None:
    assert (response.status_code, error_of(response)["status"]) == (status, code)
    assert reason_of(response) == reason


def test_a_path_or_query_value_of_a_wrong_type_is_a_400(edge: Edge) -> None:
    response = edge.call("PATCH", f"{FOCUS}/abc/pause", json={})
    assert (response.status_code, response.json()) == (400, focus('id: "abc" is not a valid integer'))
    assert edge.call("GET", f"{FOCUS}?limit=many").status_code == 400


def test_a_body_cannot_contradict_the_path(edge: Edge, calls: list[Call]) -> None:
    assert edge.call("PATCH", f"{FOCUS}/7/pause", json={"id": 8}).status_code == 400
    assert not calls


NOT_FOUND = {
    "exercises": {"detail": "Not found"},
    "api/exercises": {"detail": "Not found"},
    "portal": {"error": "not_found", "message": "Not found"},
    "yoga": {"detail": "Not found"},
    "focus": focus("Not found"),
    "design": {"detail": "Not found"},
}


@pytest.mark.parametrize("product", NOT_FOUND)
@pytest.mark.parametrize("rest", ["/nothing", "/", "", "?a=/v1/b", "/?a=b", "//", "/api/v1/sessions/start/x"])
def test_a_path_that_nothing_is_served_at_has_the_shape_of_its_product(
    edge: Edge, calls: list[Call], product: str, rest: str
) -> None:
    for verb in ("GET", "POST"):
        response = edge.call(verb, f"/{product}{rest}")
        assert (response.status_code, response.json()) == (404, NOT_FOUND[product])
        assert response.headers["content-type"] == "application/json"
    assert not calls


@pytest.mark.parametrize("path", ["/focused", "/focus-2/x", "/api", "/api/", "/v1", "/v1/", "/v1/focus/x"])
def test_a_path_that_only_looks_like_a_products_is_canonical(edge: Edge, path: str) -> None:
    assert_canonical(edge.call("GET", path), 404, "NOT_FOUND", "PATH_NOT_FOUND")


def test_an_unknown_path_outside_the_products_is_canonical(edge: Edge) -> None:
    assert_canonical(edge.call("GET", "/nothing"), 404, "NOT_FOUND", "PATH_NOT_FOUND")


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_above_the_limit_is_too_large(edge: Edge, calls: list[Call], chunked: bool) -> None:
    body = json.dumps({"content": "x" * 2_700_000}).encode()
    sent = iter([body[:1_000_000], body[1_000_000:]]) if chunked else body
    response = edge.call("PUT", "/v1/sessions/5/draft", content=sent)
    assert_canonical(response, 413, "OUT_OF_RANGE", "REQUEST_TOO_LARGE")
    assert not calls


@pytest.mark.parametrize("path", ["/v1/sessions/5", f"{FOCUS}/active", f"{FOCUS}?x={'y' * 9000}"])
def test_headers_above_the_limit_are_too_large(edge: Edge, path: str) -> None:
    """Canonical wherever they were sent to: they are dropped before anybody reads the path in them."""
    for headers in ({"x-long": "x" * 9000}, {f"x-{number}": "x" for number in range(101)}):
        assert_canonical(edge.call("GET", path, headers=headers), 431, "OUT_OF_RANGE", "REQUEST_TOO_LARGE")


LARGE = json.dumps({"note": "x" * 2_700_000}).encode()


@pytest.mark.parametrize(
    ("path", "shape"),
    [
        ("/exercises/submit", {"detail": "@"}),
        ("/portal/api/v1/sessions/start", {"error": "too_large", "message": "@"}),
        ("/yoga/api/v1/sessions/start", {"detail": "@"}),
        (FOCUS, focus("@")),
        ("/design/sessions", {"detail": "@"}),
    ],
)
def test_what_is_too_large_or_an_upgrade_is_refused_in_the_products_shape(
    edge: Edge, calls: list[Call], path: str, shape: dict[str, Any]
) -> None:
    def said(message: str, word: str) -> dict[str, Any]:
        words = {"error": word} if "error" in shape else {}
        return {key: message if value == "@" else value for key, value in shape.items()} | words

    large = edge.call("POST", path, content=LARGE)
    assert (large.status_code, large.json()) == (413, said("The request is too large", "too_large"))
    upgrade = edge.call("GET", path, headers={"connection": "upgrade", "upgrade": "websocket"})
    assert (upgrade.status_code, upgrade.json()) == (403, said("Not permitted", "forbidden"))
    assert not calls


def test_headers_below_the_limit_are_never_too_much_for_a_service(edge: Edge) -> None:
    headers = {f"x-{number}": "x" * 130 for number in range(50)}
    answers = {edge.call("GET", "/v1/sessions/5", headers=headers).status_code for _ in range(50)}
    assert answers == {200}


def test_an_escaped_slash_in_a_path_is_refused(edge: Edge, calls: list[Call]) -> None:
    response = edge.call("GET", "/focus/api%2Fv1/sessions")
    assert (response.status_code, response.json()) == (400, focus("The request could not be read"))
    assert not calls


def test_dots_and_double_slashes_lead_where_they_seem_to(edge: Edge, calls: list[Call]) -> None:
    status, body = edge.send_raw(
        b"GET /v1/../focus//api/./v1/sessions/active HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n"
    )
    assert (status, body) == (401, focus("A valid access token is required"))


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"NONSENSE\r\n\r\n",
        b"GET /v1/sessions HTTP/1.1\r\n\r\n",
        b"GET /v1/\x01 HTTP/1.1\r\nhost: a\r\n\r\n",
        b"POST /v1/x HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    ],
)
def test_what_is_hardly_http_is_still_refused_in_json(edge: Edge, request_bytes: bytes) -> None:
    status, body = edge.send_raw(request_bytes)
    assert (status, read_error(status, body)["message"]) == (400, "The request could not be read")


@pytest.mark.parametrize(
    ("request_bytes", "status", "message"),
    [
        (b"GET /focus/api/v1/sessions HTTP/1.0\r\n\r\n", 426, "HTTP/1.1 or later is required"),
        (
            b"POST /focus/api/v1/sessions HTTP/1.1\r\nhost: a\r\ntransfer-encoding: gzip\r\n\r\n",
            501,
            "This is not supported here",
        ),
    ],
)
def test_a_way_to_speak_http_that_is_not_spoken_here_is_named(
    edge: Edge, request_bytes: bytes, status: int, message: str
) -> None:
    answered, body = edge.send_raw(request_bytes)
    assert (answered, read_error(answered, body)["message"]) == (status, message)


def test_a_service_that_is_down_is_a_503(broken_edge: Edge) -> None:
    response = broken_edge.call("GET", "/focus/api/v1/streak")
    assert (response.status_code, response.json()) == (
        503,
        focus("Service temporarily unavailable; try again"),
    )
    assert_canonical(broken_edge.call("GET", "/v1/badges"), 503, "UNAVAILABLE", "DEPENDENCY_UNAVAILABLE")


LATE = "The service did not answer in time; try again"


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/exercises/submit", {"detail": LATE}),
        ("/portal/api/v1/sessions/start", {"error": "timeout", "message": LATE}),
        ("/yoga/api/v1/sessions/start", {"detail": LATE}),
        (FOCUS, focus(LATE)),
        ("/design/sessions", {"detail": LATE}),
    ],
)
def test_a_service_that_does_not_answer_is_a_504(broken_edge: Edge, path: str, body: dict[str, Any]) -> None:
    response = broken_edge.call("POST", path, scenario="silence", json={})
    assert (response.status_code, response.json()) == (504, body)


def test_a_service_that_does_not_answer_the_canonical_api_is_a_504(broken_edge: Edge) -> None:
    canonical = broken_edge.call("GET", "/v1/sessions/5", scenario="silence")
    assert_canonical(canonical, 504, "DEADLINE_EXCEEDED", "DEPENDENCY_UNAVAILABLE")


def test_the_access_log_has_the_call_and_no_token(edge: Edge) -> None:
    edge.call("GET", "/v1/sessions?product=secret-product", headers={"x-request-id": "log-me"})
    eventually(lambda: any(line["request_id"] == "log-me" for line in edge.log_lines()))
    line = next(line for line in edge.log_lines() if line["request_id"] == "log-me")
    assert (line["method"], line["path"], line["status"]) == ("GET", "/v1/sessions", 200)
    assert line["upstream"] == "session"
    assert "Bearer" not in edge.log_text() and "secret-product" not in edge.log_text()


def test_the_lua_filter_logs_no_fault_of_its_own(edge: Edge, broken_edge: Edge) -> None:
    assert "script log" not in edge.log_text() + broken_edge.log_text()
