"""What services say about a response in metadata, and what becomes of it."""

from __future__ import annotations

import httpx
import pytest

from tests.canonical_errors import error_of, reason_of
from tests.gateway.edge import Edge
from tests.gateway.upstream import CONFLICT, ODD_WORDS

FOCUS = "/focus/api/v1/sessions"
GRPC_LEFTOVERS = (
    "grpc-",
    "x-practice-status",
    "x-practice-body",
    "x-practice-refused",
    "x-envoy-",
    "trailer",
)


def assert_nothing_internal_shows(response: httpx.Response) -> None:
    assert not [name for name in response.headers if name.startswith(GRPC_LEFTOVERS)]


def test_a_service_sets_the_status_of_its_success(edge: Edge) -> None:
    response = edge.call("POST", FOCUS, scenario="created", json={"duration_seconds": 60})
    assert response.status_code == 201
    assert response.json()["data"]["duration_seconds"] == 60
    assert_nothing_internal_shows(response)


def test_no_content_has_no_body_and_no_length(edge: Edge) -> None:
    response = edge.call("POST", "/v1/accounts:logOut", scenario="no_content", json={})
    assert (response.status_code, response.content) == (204, b"")
    assert not {"content-length", "content-type", "transfer-encoding"} & set(response.headers)


@pytest.mark.parametrize("status", [200, 201, 204])
@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", FOCUS), ("PUT", "/design/sessions/1b9d6bcd-bbfd-4b2d-9b5d-ab8dfbbd4bed/autosave")],
)
def test_what_a_good_status_tells_is_in_the_headers(edge: Edge, method: str, path: str, status: int) -> None:
    plain = edge.call(method, path, content=b"{}")
    response = edge.call(method, path, scenario=f"changed_{status}", content=b"{}")
    assert response.status_code == status
    assert response.content == (b"" if status == 204 else plain.content)
    assert (response.headers["x-practice-user-seq"], response.headers["etag"]) == ("12", '"a1=="')
    assert set(response.headers) - {"x-practice-user-seq", "etag"} == set(plain.headers) - (
        {"content-length", "content-type"} if status == 204 else set()
    )
    assert_nothing_internal_shows(response)


def test_a_service_sets_the_status_and_body_of_its_error(edge: Edge) -> None:
    response = edge.call("POST", FOCUS, scenario="conflict", json={})
    assert (response.status_code, response.json()) == (409, CONFLICT.body)
    assert response.headers["content-type"] == "application/json"
    assert int(response.headers["content-length"]) == len(response.content)
    assert_nothing_internal_shows(response)


def test_an_error_is_the_same_when_its_metadata_comes_in_trailers(edge: Edge) -> None:
    response = edge.call("POST", FOCUS, scenario="conflict_after_headers", json={})
    assert (response.status_code, response.json()) == (409, CONFLICT.body)
    assert response.headers["retry-after"] == "7"
    assert_nothing_internal_shows(response)


def test_a_refused_validation_may_be_422_with_a_list(edge: Edge) -> None:
    response = edge.call("POST", FOCUS, scenario="unprocessable", json={})
    assert response.status_code == 422
    assert response.json()["detail"][0]["loc"] == ["body", "rating"]


def test_a_canonical_error_has_its_reason_first_and_a_link_to_it_last(edge: Edge) -> None:
    response = edge.call("GET", "/v1/sessions/5", scenario="not_found")
    assert response.status_code == 404
    assert response.json() == {
        "error": {
            "code": 404,
            "message": "No such session",
            "status": "NOT_FOUND",
            "details": [
                {
                    "@type": "type.googleapis.com/google.rpc.ErrorInfo",
                    "reason": "SESSION_NOT_FOUND",
                    "domain": "practice",
                    "metadata": {"session": "sessions/5"},
                },
                {
                    "@type": "type.googleapis.com/google.rpc.Help",
                    "links": [
                        {
                            "description": "What this reason means, with an example",
                            "url": "/docs/guides/api-errors#session_not_found",
                        }
                    ],
                },
            ],
        }
    }
    assert int(response.headers["content-length"]) == len(response.content)
    assert_nothing_internal_shows(response)


def test_a_canonical_error_says_all_that_is_wrong_whatever_its_words(edge: Edge) -> None:
    response = edge.call("GET", "/v1/sessions/5", scenario="invalid")
    error = error_of(response)
    assert (error["code"], error["status"], error["message"]) == (400, "INVALID_ARGUMENT", f"a: {ODD_WORDS}")
    info, faults, _ = error["details"]
    assert (info["reason"], info["metadata"]["field"]) == ("FIELD_INVALID", "a")
    said = [(each["field"], each["description"]) for each in faults["field_violations"]]
    assert said == [("a", ODD_WORDS), ("b", "is required")]


@pytest.mark.parametrize(("scenario", "status"), [("failed_precondition", 400), ("aborted", 409)])
def test_a_canonical_code_has_the_http_status_that_the_transcoder_gives_it(
    edge: Edge, scenario: str, status: int
) -> None:
    response = edge.call("GET", "/v1/sessions/5", scenario=scenario)
    assert (response.status_code, error_of(response)["status"]) == (status, scenario.upper())


def test_an_error_whose_detail_nobody_knows_still_has_a_body(edge: Edge) -> None:
    response = edge.call("GET", "/v1/sessions/5", scenario="unknown_detail")
    assert (response.status_code, error_of(response)["message"]) == (404, "Not found")


def test_what_grpc_itself_refuses_has_the_products_shape(edge: Edge) -> None:
    refused = {"success": False, "message": "Too many requests; try again later", "data": None}
    response = edge.call("POST", FOCUS, scenario="exhausted", json={})
    assert (response.status_code, response.json()) == (429, refused)
    crashed = edge.call("POST", "/exercises/submit", scenario="crash", json={})
    assert (crashed.status_code, crashed.json()) == (500, {"detail": "Something went wrong on our side"})


@pytest.mark.parametrize(
    ("scenario", "status", "reason"), [("exhausted", 429, "RATE_LIMITED"), ("crash", 500, "INTERNAL")]
)
def test_what_grpc_itself_refuses_is_a_canonical_error_with_its_reason(
    edge: Edge, scenario: str, status: int, reason: str
) -> None:
    response = edge.call("GET", "/v1/sessions/5", scenario=scenario)
    assert (response.status_code, reason_of(response)) == (status, reason)
    assert "secret" not in response.text and "RPC" not in response.text


def test_answers_are_kept_out_of_caches(edge: Edge) -> None:
    response = edge.call("GET", "/v1/sessions/5")
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["x-content-type-options"] == "nosniff"
