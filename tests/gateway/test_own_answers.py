"""What Envoy answers before, or after, the filters that know the products see it: the same JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.canonical_errors import error_of, reason_of
from tests.gateway.crowd import crowd, request
from tests.gateway.edge import Edge
from tests.tokens import TestTokens
from tests.waiting import eventually

LATE = "The service did not answer in time; try again"
AWAY = "Service temporarily unavailable; try again"
PATHS = {
    "/exercises/submit": {"detail": "@"},
    "/api/exercises/submit?a=b": {"detail": "@"},
    "/portal/api/v1/sessions/start": {"error": "*", "message": "@"},
    "/yoga/api/v1/sessions/start": {"detail": "@"},
    "/focus/api/v1/sessions": {"success": False, "message": "@", "data": None},
    "/design/sessions": {"detail": "@"},
    "/v1/sessions": {"error": "*"},
}


def assert_own(response: httpx.Response, shape: dict[str, Any], message: str, reason: str) -> None:
    """Asserts the shape of the product, and that nothing is told of what the gateway says to itself."""
    body = response.json()
    filled = {key: {"@": message, "*": body.get(key)}.get(str(value), value) for key, value in shape.items()}
    assert body == filled
    if isinstance(body.get("error"), dict):
        assert (error_of(response)["message"], reason_of(response)) == (message, reason)
    headers = response.headers
    assert headers["content-type"] == "application/json"
    assert (headers["x-content-type-options"], headers["cache-control"]) == ("nosniff", "no-store")
    internal = [name for name in headers if name.startswith(("x-practice-", "x-envoy-", "grpc-"))]
    assert internal == ["x-practice-reason"]
    assert headers["x-practice-reason"] == reason


@pytest.mark.parametrize("scenario", ["silence", "silence_after_headers"])
@pytest.mark.parametrize("path", PATHS)
def test_a_service_that_falls_silent_is_a_504(broken_edge: Edge, path: str, scenario: str) -> None:
    response = broken_edge.call("POST", path, scenario=scenario, json={})
    assert response.status_code == 504
    assert_own(response, PATHS[path], LATE, "DEPENDENCY_UNAVAILABLE")


@pytest.fixture(scope="module")
def full_edge(
    tmp_path_factory: pytest.TempPathFactory, gateway_settings: dict[str, Any], tokens: TestTokens
) -> Iterator[Edge]:
    """A gateway whose memory is full as soon as four people have sent half a document."""
    settings = {**gateway_settings, "gateway_max_heap_mib": 64, "gateway_max_uploads_per_user": 1000}
    settings |= {"gateway_max_uploads": 1000, "gateway_max_uploads_per_address": 1000}
    edge = Edge(tmp_path_factory.mktemp("edge"), tokens.issue(42), **settings)
    edge.wait_until_healthy()
    yield edge
    edge.stop()


def test_a_gateway_without_memory_says_so_in_the_products_shape(full_edge: Edge, tokens: TestTokens) -> None:
    half = request("PUT", "/v1/sessions/5/draft", tokens.issue(7), length=2_400_500, body=b" " * 2_400_000)
    with crowd(full_edge, 60, half):
        seen: dict[str, httpx.Response] = {}

        def refused() -> bool:
            for path in PATHS:
                response = full_edge.call("POST", path, json={})
                if response.status_code == 503:
                    seen.setdefault(path, response)
            return seen.keys() == PATHS.keys()

        eventually(refused)
    for path, response in seen.items():
        assert_own(response, PATHS[path], AWAY, "DEPENDENCY_UNAVAILABLE")


@pytest.mark.parametrize("path", PATHS)
def test_a_path_that_cannot_be_read_still_tells_the_product(edge: Edge, path: str) -> None:
    raw = path.encode() + b"%2F" if "?" not in path else b"/api/exercises/%2F?a=b"
    status, body = edge.send_raw(b"POST " + raw + b" HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n\r\n")
    assert status in (400, 422)
    assert "The request could not be read" in json.dumps(body)
    assert body.keys() == PATHS[path].keys()
