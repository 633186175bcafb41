"""What the edge refuses by itself: JSON in the product's shape, in plain words."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from tests.gateway.edge import Edge, wait_until
from tests.gateway.upstream import Call

FOCUS = "/focus/api/v1/sessions"


def focus(message: str) -> dict[str, Any]:
    return {"success": False, "message": message, "data": None}


def assert_canonical(response: httpx.Response, status: int, code: int, reason: str) -> None:
    body = response.json()
    assert (response.status_code, body["code"]) == (status, code)
    assert [detail["reason"] for detail in body["details"]] == [reason]
    assert response.headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"duration_seconds": ', "Unexpected end of string. Expected a value."),
        ("not json", "Unexpected token."),
        ('{"duration_seconds": NaN}', "Unexpected token."),
        ("[1]", "The body must be a JSON object."),
        ("null", "The body must be a JSON object."),
        ('{"duration_seconds": "long"}', 'duration_seconds: "long" is not a valid integer'),
        ('{"duration_seconds": 1.5}', "duration_seconds: 1.5 is not a valid integer"),
        ('{"duration_seconds": "a\\\\n\\"%1\\n^"}', 'duration_seconds: "a\\n"%1\n^" is not a valid integer'),
    ],
)
def test_a_body_that_cannot_be_read_is_a_400_that_says_why(
    edge: Edge, calls: list[Call], content: str, message: str
) -> None:
    response = edge.call("POST", FOCUS, content=content)
    assert (response.status_code, response.json()) == (400, focus(message))
    assert not calls


def test_a_long_reason_is_left_out(edge: Edge) -> None:
    response = edge.call("POST", FOCUS, json={"duration_seconds": "x" * 1000})
    assert response.json() == focus("The request could not be read")


def test_a_path_or_query_value_of_a_wrong_type_is_a_400(edge: Edge) -> None:
    response = edge.call("PATCH", f"{FOCUS}/abc/pause", json={})
    assert (response.status_code, response.json()) == (400, focus('id: "abc" is not a valid integer'))
    assert edge.call("GET", f"{FOCUS}?limit=many").status_code == 400


def test_a_body_cannot_contradict_the_path(edge: Edge, calls: list[Call]) -> None:
    assert edge.call("PATCH", f"{FOCUS}/7/pause", json={"id": 8}).status_code == 400
    assert not calls


def test_each_product_and_the_canonical_api_have_their_own_shape(edge: Edge) -> None:
    detail = edge.call("POST", "/api/exercises/submit", content="{")
    assert (detail.status_code, list(detail.json())) == (400, ["detail"])
    assert edge.call("GET", "/exercises/nothing").json() == {"detail": "Not found"}
    assert edge.call("GET", "/portal/nothing").json() == {"error": "not_found", "message": "Not found"}
    assert edge.call("GET", "/yoga/nothing").json() == {"detail": "Not found"}
    assert edge.call("GET", "/design/nothing").json() == {"detail": "Not found"}
    assert_canonical(edge.call("POST", "/v1/sessions:start", content="{"), 400, 3, "REQUEST_MALFORMED")


@pytest.mark.parametrize(
    ("verb", "path"),
    [("GET", "/focus/nothing"), ("DELETE", FOCUS), ("GET", f"{FOCUS}/7/pause"), ("HEAD", FOCUS)],
)
def test_an_unknown_path_or_method_is_not_found(edge: Edge, calls: list[Call], verb: str, path: str) -> None:
    response = edge.call(verb, path)
    assert response.status_code == 404
    assert verb == "HEAD" or response.json() == focus("Not found")
    assert not calls


def test_an_unknown_path_outside_the_products_is_canonical(edge: Edge) -> None:
    assert_canonical(edge.call("GET", "/nothing"), 404, 5, "PATH_NOT_FOUND")


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_above_the_limit_is_too_large(edge: Edge, calls: list[Call], chunked: bool) -> None:
    body = json.dumps({"content": "x" * 2_700_000}).encode()
    sent = iter([body[:1_000_000], body[1_000_000:]]) if chunked else body
    response = edge.call("PUT", "/v1/sessions/5/draft", content=sent)
    assert_canonical(response, 413, 11, "REQUEST_TOO_LARGE")
    assert not calls


def test_headers_above_the_limit_are_too_large(edge: Edge) -> None:
    response = edge.call("GET", "/v1/sessions/5", headers={"x-long": "x" * 9000})
    assert_canonical(response, 431, 11, "REQUEST_TOO_LARGE")


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
    assert (status, body["message"]) == (400, "The request could not be read")


def test_a_service_that_is_down_is_a_503(broken_edge: Edge) -> None:
    response = broken_edge.call("GET", "/focus/api/v1/streak")
    assert (response.status_code, response.json()) == (
        503,
        focus("Service temporarily unavailable; try again"),
    )
    assert_canonical(broken_edge.call("GET", "/v1/badges"), 503, 14, "DEPENDENCY_UNAVAILABLE")


def test_a_service_that_does_not_answer_is_a_504(broken_edge: Edge) -> None:
    response = broken_edge.call("POST", FOCUS, scenario="silence", json={})
    assert response.status_code == 504
    assert response.json() == focus("The service did not answer in time; try again")
    canonical = broken_edge.call("GET", "/v1/sessions/5", scenario="silence")
    assert_canonical(canonical, 504, 4, "DEPENDENCY_UNAVAILABLE")


def test_the_access_log_has_the_call_and_no_token(edge: Edge) -> None:
    edge.call("GET", "/v1/sessions?product=secret-product", headers={"x-request-id": "log-me"})
    wait_until(lambda: any(line["request_id"] == "log-me" for line in edge.log_lines()))
    line = next(line for line in edge.log_lines() if line["request_id"] == "log-me")
    assert (line["method"], line["path"], line["status"]) == ("GET", "/v1/sessions", 200)
    assert line["upstream"] == "session"
    assert "Bearer" not in edge.log_text() and "secret-product" not in edge.log_text()


def test_the_lua_filter_logs_no_fault_of_its_own(edge: Edge, broken_edge: Edge) -> None:
    assert "script log" not in edge.log_text() + broken_edge.log_text()
