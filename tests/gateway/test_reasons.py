"""Every error of every product says why in a header, whoever refused the call."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from practice.errors.v1 import error_reason_pb2

from tests import canonical_errors
from tests.gateway.edge import Edge

ORIGIN = {"origin": "https://app.example"}
CALLS = {
    "exercises": "/exercises/submit",
    "portal": "/portal/api/v1/sessions/7/progress",
    "yoga": "/yoga/api/v1/sessions/start",
    "focus": "/focus/api/v1/sessions",
    "design": "/design/sessions",
    "canonical": "/v1/sessions",
}
LARGE = b'{"note": "' + b"x" * 2_700_000 + b'"}'


def reason_of(response: httpx.Response, status: int) -> str:
    """Returns the reason, which a page in a browser may read and the contract knows."""
    assert response.status_code == status, response.text
    (reason,) = response.headers.get_list("x-practice-reason")
    if "access-control-expose-headers" in response.headers:
        assert "x-practice-reason" in response.headers["access-control-expose-headers"]
    assert f"ERROR_REASON_{reason}" in error_reason_pb2.ErrorReason.keys()  # noqa: SIM118
    if isinstance(response.json().get("error"), dict):
        assert canonical_errors.reason_of(response) == reason
    return reason


@pytest.mark.parametrize("product", CALLS)
def test_what_the_edge_refuses_says_why(edge: Edge, broken_edge: Edge, product: str) -> None:
    path = CALLS[product]
    unreadable = 422 if product in ("yoga", "design") else 400

    def call(verb: str, path: str, **options: Any) -> httpx.Response:
        return edge.call(verb, path, **options, headers={**ORIGIN, **options.pop("headers", {})})

    no_token = edge.http.post(path, json={}, headers=ORIGIN)
    assert reason_of(no_token, 401) == "TOKEN_INVALID"
    bad_token = edge.http.post(path, json={}, headers={**ORIGIN, "authorization": "Bearer x.y.z"})
    assert reason_of(bad_token, 401) == "TOKEN_INVALID"
    assert reason_of(call("POST", path + "/there/is/none"), 404) == "PATH_NOT_FOUND"
    assert reason_of(call("DELETE", path), 405) == "METHOD_NOT_ALLOWED"
    assert reason_of(call("POST", path, content=LARGE), 413) == "REQUEST_TOO_LARGE"
    assert reason_of(call("POST", path, content=b"\xff"), unreadable) == "REQUEST_MALFORMED"
    native = edge.call("POST", path, content=b"", headers={"content-type": "application/grpc"})
    assert reason_of(native, 415) == "REQUEST_MALFORMED"
    late = broken_edge.call("POST", path, scenario="silence", json={})
    assert reason_of(late, 504) == "DEPENDENCY_UNAVAILABLE"


@pytest.mark.parametrize("product", CALLS)
def test_what_a_service_refuses_says_why(edge: Edge, product: str) -> None:
    for scenario in ("not_found_as_a_product", "not_found_after_headers"):
        response = edge.call("POST", CALLS[product], scenario=scenario, json={}, headers=ORIGIN)
        assert reason_of(response, 404) == "SESSION_NOT_FOUND"
    crashed = edge.call("POST", CALLS[product], scenario="crash", json={}, headers=ORIGIN)
    assert reason_of(crashed, 500) == "INTERNAL"
    full = edge.call("POST", CALLS[product], scenario="exhausted", json={}, headers=ORIGIN)
    assert reason_of(full, 429) == "RATE_LIMITED"


def test_a_service_that_is_away_says_why(broken_edge: Edge) -> None:
    for path in ("/focus/api/v1/streak", "/v1/badges"):
        assert reason_of(broken_edge.call("GET", path), 503) == "DEPENDENCY_UNAVAILABLE"
    live = broken_edge.call("GET", "/portal/ws/sessions/5")
    assert reason_of(live, 503) == "DEPENDENCY_UNAVAILABLE"


def test_an_answer_that_is_no_error_has_no_reason(edge: Edge) -> None:
    assert "x-practice-reason" not in edge.call("GET", "/v1/sessions/5").headers
