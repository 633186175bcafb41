"""Bad input through the gateway: one clear JSON error in the right shape, and nothing changed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from deploy.local.stack import LocalStack
from tests.canonical_errors import error_of, reason_of
from tests.end_to_end.conftest import Learner
from tests.end_to_end.documented import assert_like

CANONICAL = {"error": {"code": 400, "message": "...", "status": "...", "details": []}}
SHAPES: dict[str, Any] = {
    "/exercises/session/start": {"detail": "..."},
    "/focus/api/v1/sessions": {"success": False, "message": "...", "data": None},
    "/v1/sessions": CANONICAL,
}


@pytest.fixture(scope="module")
def learner(stack: LocalStack) -> Iterator[Learner]:
    """One for all: of what is refused nothing stays."""
    learner = Learner(stack.gateway_url)
    yield learner
    learner.client.close()


@pytest.mark.parametrize("path", SHAPES)
@pytest.mark.parametrize(
    "body",
    [b"{", b"[]", b"null x", b'{"a": }', b'"text"', b"\xff\xfe", b'{"duration_seconds": {"a": 1}'],
)
def test_a_broken_json_body_is_400_in_the_products_shape(learner: Learner, path: str, body: bytes) -> None:
    response = learner.send("POST", path, body)
    assert response.status_code == 400, response.text
    assert response.headers["content-type"].startswith("application/json")
    assert_like(response.json(), SHAPES[path])


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/exercises/session/start", {"session_type": 7}),
        ("/exercises/session/start", {"session_type": ["practice"]}),
        ("/exercises/submit", {"exercise_id": 123}),
        ("/exercises/submit", {"user_answer": "hable"}),
        ("/exercises/submit", {"exercise_id": 123, "user_answer": "hable", "time_taken": -1}),
        ("/exercises/submit", {"exercise_id": 123, "user_answer": "hable", "time_taken": "NaN"}),
        ("/exercises/submit", {"exercise_id": 123, "user_answer": "x" * 1001}),
        ("/exercises/submit", {"exercise_id": 123, "user_answer": "a\u0000b"}),
        ("/exercises/session/end", {}),
        ("/exercises/session/end", {"session_id": "forty-two"}),
        ("/exercises/session/end", {"session_id": 1.5}),
    ],
)
def test_wrong_types_and_missing_fields_are_400_in_exercises(learner: Learner, path: str, body: Any) -> None:
    response = learner.send("POST", path, body)
    assert response.status_code == 400, response.text
    assert_like(response.json(), {"detail": "..."})


def test_unknown_fields_are_ignored(learner: Learner) -> None:
    learner.ok("POST", "/exercises/session/start", {"session_type": "test", "colour": {"deep": [1]}})


@pytest.mark.parametrize(
    ("path", "shape"),
    [
        ("/exercises/nothing/here", {"detail": "..."}),
        ("/api/exercises/nothing", {"detail": "..."}),
        ("/focus/api/v1/nothing", {"success": False, "message": "...", "data": None}),
        ("/v1/nothing", CANONICAL),
        ("/nothing", CANONICAL),
        ("/practice.session.v1.SessionExportService/ExportCompletions", CANONICAL),
        ("/practice.session.v1.OutboxAdminService/RequeueDeadLetters", CANONICAL),
        ("/practice.session.v1.LearnerAdminService/RememberCalendar", CANONICAL),
        ("/practice.stats.v1.StatsAdminService/GetApplied", CANONICAL),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_an_unknown_path_is_404_in_the_products_shape(
    learner: Learner, method: str, path: str, shape: Any
) -> None:
    response = learner.send(method, path)
    assert response.status_code == 404, response.text
    assert_like(response.json(), shape)


@pytest.mark.parametrize(
    ("method", "path", "kept", "shown", "clears"),
    [
        ("POST", "/v1/restDays", {"weekdays": [5, 6]}, "weekdays", {"weekdays": []}),
        ("PUT", "/v1/{name}/note", {"note": "kept"}, "note", {"note": ""}),
    ],
)
def test_what_replaces_something_has_to_name_it(
    learner: Learner, method: str, path: str, kept: Any, shown: str, clears: Any
) -> None:
    name = learner.ok("POST", "/v1/sessions", {"product": "yoga"})["session"]["name"]
    path = path.format(name=name)
    assert learner.ok(method, path, kept)[shown] == kept[shown]
    for body in ({}, {f"{shown}x": kept[shown]}, {shown: None}):
        response = learner.send(method, path, body)
        assert response.status_code == 400, response.text
        assert response.headers["x-practice-reason"] == "FIELD_INVALID"
        assert error_of(response)["message"] == f"{shown}: is required"
    assert not learner.ok(method, path, clears)[shown]


@pytest.mark.parametrize(
    ("path", "status", "body"),
    [
        ("/exercises/submit", 400, {"detail": "exercise_id: is required; user_answer: is required"}),
        (
            "/portal/api/v1/sessions/start",
            400,
            {
                "error": "invalid_request",
                "message": "settings.difficulty: must be one of easy, medium, hard; "
                "settings.word_count: must be a whole number from 1 to 100",
            },
        ),
        (
            "/yoga/api/v1/sessions/complete",
            422,
            {"detail": [{"loc": ["body", "session_id"]}, {"loc": ["body", "duration_seconds"]}]},
        ),
        (
            "/design/submissions",
            422,
            {"detail": [{"loc": ["body", "problem_id"]}, {"loc": ["body", "diagram_data"]}]},
        ),
    ],
)
def test_everything_that_is_wrong_is_told_at_once(
    learner: Learner, path: str, status: int, body: Any
) -> None:
    sent = {"activity_id": 123, "settings": {"difficulty": "x", "word_count": 0}} if "portal" in path else {}
    response = learner.send("POST", path, sent)
    assert (response.status_code, response.headers["x-practice-reason"]) == (status, "FIELD_INVALID")
    assert_like(response.json(), body, values=True)


@pytest.mark.parametrize("path", ["/v1/standing", "/v1/progress", "/v1/badges"])
def test_statistics_of_what_cannot_be_a_product_are_refused(learner: Learner, path: str) -> None:
    response = learner.send("GET", f"{path}?product=Nope")
    assert response.status_code == 400, response.text
    detail, faults, _ = error_of(response)["details"]
    assert (detail["reason"], detail["metadata"]["field"]) == ("FIELD_INVALID", "product")
    words = "must be at most 32 small letters, digits and underscores, such as focus, or left out"
    (violation,) = faults["field_violations"]
    assert (violation["field"], violation["description"]) == ("product", words)
    assert learner.ok("GET", f"{path}?product=yoga") is not None


def test_a_product_that_nobody_practised_has_empty_statistics(learner: Learner) -> None:
    totals = learner.ok("GET", "/v1/standing?product=nope")["totals"]
    assert (totals["product"], totals["session_count"]) == ("nope", 0)
    assert learner.ok("GET", "/v1/progress?product=nope")["days"] == []
    assert learner.ok("GET", "/v1/badges?product=nope")["badges"] == []


def test_native_grpc_does_not_pass_the_edge(learner: Learner) -> None:
    for method in (
        "practice.session.v1.SessionService/ListSessions",
        "practice.stats.v1.StatsAdminService/GetApplied",
    ):
        response = learner.client.post(
            f"/{method}",
            content=b"\x00\x00\x00\x00\x00",
            headers={"content-type": "application/grpc", "te": "trailers"},
        )
        assert response.status_code in (404, 415), response.text
        assert_like(response.json(), CANONICAL)


def test_a_canonical_error_names_exactly_one_reason(learner: Learner) -> None:
    response = learner.send("GET", "/v1/sessions/999999999")
    assert (response.status_code, reason_of(response)) == (404, "SESSION_NOT_FOUND")


def test_a_forged_internal_header_opens_nothing(learner: Learner) -> None:
    forged = {"x-practice-internal": "guess", "x-practice-status": "200", "x-practice-body": "{}"}
    response = learner.client.get("/v1/sessions/999999999", headers=forged)
    assert response.status_code == 404
    assert reason_of(response) == "SESSION_NOT_FOUND"


def test_the_front_door_tells_the_service_its_version_and_health(anyone: httpx.Client) -> None:
    door = anyone.get("/")
    assert door.status_code == 200
    assert_like(door.json(), {"service": "practice-platform", "version": "..."})
    assert anyone.get("/health").status_code == 200


def test_a_trailing_slash_is_accepted(learner: Learner) -> None:
    learner.ok("POST", "/exercises/session/start/", {})
    learner.ok("GET", "/focus/api/v1/sessions/?limit=1")


@pytest.mark.parametrize("zone", ["Etc/Unknown", "undefined", "Mars/Olympus"])
def test_a_zone_that_is_none_leaves_the_zone_of_the_account(learner: Learner, zone: str) -> None:
    learner.ok("PATCH", "/v1/calendar", {"time_zone": "Asia/Tokyo"})
    for method, path, body in [
        ("POST", "/exercises/session/start", {}),
        ("GET", "/portal/api/v1/sessions/history", None),
        ("GET", "/yoga/api/v1/sessions/stats", None),
        ("GET", "/focus/api/v1/streak", None),
        ("GET", "/design/sessions/user/my-sessions", None),
        ("GET", "/v1/standing", None),
        ("GET", "/v1/accounts/me", None),
    ]:
        response = learner.send(method, path, body, **{"X-Time-Zone": zone})
        assert response.is_success, response.text
        if path != "/design/sessions/user/my-sessions":  # streamed: its headers are sent before it is known
            assert response.headers["x-time-zone-ignored"] == zone
    assert learner.ok("GET", "/v1/calendar")["calendar"]["time_zone"] == "Asia/Tokyo"


def test_browsers_may_call_from_anywhere_in_the_local_stack(anyone: httpx.Client) -> None:
    asked = {
        "Origin": "https://app.example.com",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,content-type,idempotency-key",
    }
    preflight = anyone.options("/api/exercises/session/start", headers=asked)
    assert preflight.status_code in (200, 204)
    assert preflight.headers["access-control-allow-origin"] in ("*", "https://app.example.com")
    assert "idempotency-key" in preflight.headers["access-control-allow-headers"].lower()
