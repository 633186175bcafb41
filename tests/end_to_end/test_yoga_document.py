"""The yoga product's document, replayed in its order through the gateway."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from tests.end_to_end.conftest import Learner, MakeLearner
from tests.end_to_end.documented import assert_like, assert_time

SESSIONS = "/yoga/api/v1/sessions"
STARTED = {
    "session_id": 1,
    "user_id": 42,
    "sequence_id": 123,
    "started_at": "2025-12-05T10:00:00Z",
    "completed_at": None,
    "duration_seconds": 0,
    "completion_status": "abandoned",
}
STATISTICS = {
    "total_sessions": 25,
    "total_practice_time_seconds": 22500,
    "average_duration_seconds": 900,
    "completion_rate_percent": 83.3,
}
COMPLETED = {
    **STARTED,
    "completed_at": "2025-12-05T10:15:00Z",
    "duration_seconds": 900,
    "completion_status": "completed",
    "statistics": STATISTICS,
}
NOT_FOUND = {"detail": "Session not found"}


def start(learner: Learner, **body: Any) -> dict[str, Any]:
    started = learner.ok("POST", f"{SESSIONS}/start", body, status=201)
    assert isinstance(started, dict)
    return started


def ending(session_id: float, seconds: int = 900, status: str = "completed") -> dict[str, Any]:
    return {
        "session_id": session_id,
        "duration_seconds": seconds,
        "poses_completed": 10,
        "completion_status": status,
    }


def complete(learner: Learner, session_id: float, seconds: int = 900, status: str = "completed") -> Any:
    return learner.ok("POST", f"{SESSIONS}/complete", ending(session_id, seconds, status))


def refused(response: httpx.Response, status: int) -> Any:
    """Asserts the shape of an error and returns its detail."""
    assert response.status_code == status, response.text
    assert list(response.json()) == ["detail"]
    return response.json()["detail"]


def refused_field(response: httpx.Response, *loc: str) -> None:
    """Asserts a 422 that says where the mistake is."""
    for problem in refused(response, 422):
        assert_like(problem, {"loc": list(loc), "msg": "", "type": ""})
        assert problem["loc"] == list(loc)


def test_the_session_runs_as_documented(learner: Learner) -> None:
    started = learner.ok("POST", f"{SESSIONS}/start", {"sequence_id": 123}, status=201)
    assert_like(started, STARTED)
    known = ("sequence_id", "completed_at", "duration_seconds", "completion_status")
    assert_like(started, {name: STARTED[name] for name in known}, values=True)
    assert started["user_id"] == int(learner.account["user_id"])
    assert_time(started["started_at"], "seconds")
    session_id = started["session_id"]

    paused = learner.ok("PUT", f"{SESSIONS}/{session_id}/pause", {"duration_so_far": 300})
    shown = {"session_id": session_id, "duration_seconds": 300, "completion_status": "abandoned"}
    assert paused == shown

    current = learner.ok("GET", f"{SESSIONS}/current")
    assert_like(current, {**started, "duration_seconds": 300}, values=True)

    resumed = learner.ok("PUT", f"{SESSIONS}/{session_id}/resume")
    assert resumed == current

    completed = complete(learner, session_id)
    assert_like(completed, COMPLETED)
    assert_time(completed["completed_at"], "seconds")
    assert_like(
        completed,
        {
            **{name: started[name] for name in ("session_id", "user_id", "sequence_id", "started_at")},
            "duration_seconds": 900,
            "completion_status": "completed",
            "statistics": {
                "total_sessions": 1,
                "total_practice_time_seconds": 900,
                "average_duration_seconds": 900,
                "completion_rate_percent": 100,
            },
        },
        values=True,
    )


def test_the_documented_statistics_come_out(learner: Learner) -> None:
    with ThreadPoolExecutor(4) as pool:
        ids = [session["session_id"] for session in pool.map(lambda _: start(learner), range(30))]
        ended = list(pool.map(lambda session_id: complete(learner, session_id), ids[:24]))
    totals = [each["statistics"]["total_sessions"] for each in ended]
    assert sorted(totals) == list(range(1, 25)), "each counts those before it and itself"

    assert complete(learner, ids[24])["statistics"] == STATISTICS
    stats = learner.ok("GET", f"{SESSIONS}/stats")
    assert stats == {**STATISTICS, "current_streak": 1, "longest_streak": 1}


def test_free_practice_has_no_sequence(learner: Learner) -> None:
    free = start(learner)
    assert_like(free, {**STARTED, "sequence_id": None})
    assert complete(learner, free["session_id"])["sequence_id"] is None


def test_an_unknown_sequence_is_not_found(learner: Learner) -> None:
    assert refused(learner.send("POST", f"{SESSIONS}/start", {"sequence_id": 999_999}), 404) == (
        "Sequence not found"
    )
    assert learner.ok("GET", f"{SESSIONS}/history") == {"total": 0, "sessions": []}


@pytest.mark.parametrize("status", ["partial", "abandoned"])
def test_a_session_that_is_not_completed_counts_as_started_only(learner: Learner, status: str) -> None:
    complete(learner, start(learner)["session_id"], 900)
    ended = complete(learner, start(learner)["session_id"], 500, status)
    assert ended["completion_status"] == status
    assert_time(ended["completed_at"], "seconds")
    assert ended["statistics"] == {
        "total_sessions": 1,
        "total_practice_time_seconds": 900,
        "average_duration_seconds": 900,
        "completion_rate_percent": 50,
    }


def test_the_current_session_is_the_newest_open_one(learner: Learner) -> None:
    assert refused(learner.send("GET", f"{SESSIONS}/current"), 404) == "No active session found"
    older, newer = start(learner, sequence_id=123), start(learner)
    assert learner.ok("GET", f"{SESSIONS}/current") == newer
    complete(learner, newer["session_id"])
    assert learner.ok("GET", f"{SESSIONS}/current") == older
    complete(learner, older["session_id"], 0, "abandoned")
    assert refused(learner.send("GET", f"{SESSIONS}/current"), 404) == "No active session found"


@pytest.mark.parametrize("seconds", [0, 14_400])
def test_the_bounds_of_a_duration_are_inside(learner: Learner, seconds: int) -> None:
    one = start(learner)["session_id"]
    assert learner.ok("PUT", f"{SESSIONS}/{one}/pause", {"duration_so_far": seconds})
    assert complete(learner, one, seconds)["duration_seconds"] == seconds


@pytest.mark.parametrize(
    ("member", "value"),
    [
        *(("duration_seconds", value) for value in (-1, 14_401, "many", 1.5, True, [])),
        *(("completion_status", value) for value in ("finished", "", "COMPLETED", 7)),
        *(("poses_completed", value) for value in (-1, "x")),
        ("session_id", "abc"),
    ],
)
def test_a_member_out_of_range_is_refused_by_name(learner: Learner, member: str, value: Any) -> None:
    before = start(learner)
    body = {**ending(before["session_id"]), member: value}
    response = learner.send("POST", f"{SESSIONS}/complete", body)
    for problem in refused(response, 422):
        assert_like(problem, {"loc": ["body"], "msg": "", "type": ""})
    assert learner.ok("GET", f"{SESSIONS}/current") == before


def test_what_is_missing_is_named(learner: Learner) -> None:
    one = start(learner)["session_id"]
    for member in ("session_id", "duration_seconds", "completion_status"):
        body = {name: value for name, value in ending(one).items() if name != member}
        response = learner.send("POST", f"{SESSIONS}/complete", body)
        refused_field(response, "body", member)
        assert response.json()["detail"][0]["type"] == "missing"
    refused_field(learner.send("PUT", f"{SESSIONS}/{one}/pause", {}), "body", "duration_so_far")
    for seconds in (-1, 14_401):
        response = learner.send("PUT", f"{SESSIONS}/{one}/pause", {"duration_so_far": seconds})
        refused_field(response, "body", "duration_so_far")
    refused_field(learner.send("PUT", f"{SESSIONS}/{one}/notes", {}), "body", "notes")
    for name, value in (("limit", 0), ("limit", 101), ("offset", -1)):
        refused_field(learner.send("GET", f"{SESSIONS}/history?{name}={value}"), "query", name)
    refused_field(learner.send("GET", f"{SESSIONS}/calendar?month=2026-13"), "query", "month")
    for body in (b'{"sequence_id":', [1]):
        assert isinstance(refused(learner.send("POST", f"{SESSIONS}/start", body), 422), list)


def test_another_users_session_is_forbidden_and_an_unknown_one_not_found(make_learner: MakeLearner) -> None:
    owner, stranger = make_learner("Ana"), make_learner("Berta")
    theirs = start(owner)
    for session_id, status in ((theirs["session_id"], 403), (999_999_999, 404)):
        one = f"{SESSIONS}/{session_id}"
        for response in (
            stranger.send("POST", f"{SESSIONS}/complete", ending(session_id)),
            stranger.send("PUT", f"{one}/pause", {"duration_so_far": 1}),
            stranger.send("PUT", f"{one}/resume"),
            stranger.send("PUT", f"{one}/notes", {"notes": "mine"}),
        ):
            detail = refused(response, status)
            assert isinstance(detail, str)
            assert status == 403 or response.json() == NOT_FOUND
    assert owner.ok("GET", f"{SESSIONS}/current") == theirs


def test_an_ended_session_cannot_be_completed_paused_or_resumed(learner: Learner) -> None:
    for status in ("completed", "partial", "abandoned"):
        session_id = start(learner)["session_id"]
        complete(learner, session_id, 60, status)
        one = f"{SESSIONS}/{session_id}"
        assert refused(learner.send("POST", f"{SESSIONS}/complete", ending(session_id)), 409)
        assert refused(learner.send("PUT", f"{one}/pause", {"duration_so_far": 90}), 409)
        assert refused(learner.send("PUT", f"{one}/resume"), 409)


def test_history_notes_and_calendar_show_what_was_practised(learner: Learner) -> None:
    ids = [start(learner)["session_id"] for _ in range(3)]
    for session_id in ids[:2]:
        complete(learner, session_id, 600)
    noted = learner.ok("PUT", f"{SESSIONS}/{ids[0]}/notes", {"notes": "calm — ñ"})
    assert noted == {"session_id": ids[0], "notes": "calm — ñ"}

    history = learner.ok("GET", f"{SESSIONS}/history")
    assert (history["total"], [each["session_id"] for each in history["sessions"]]) == (3, ids[::-1])
    ended = {**COMPLETED, "sequence_id": None, "notes": "calm — ñ"}
    ended.pop("statistics")
    assert_like(history["sessions"][2], ended)
    assert [each["notes"] for each in history["sessions"]] == [None, None, "calm — ñ"]
    page = learner.ok("GET", f"{SESSIONS}/history?limit=1&offset=1")
    assert (page["total"], [each["session_id"] for each in page["sessions"]]) == (3, [ids[1]])

    calendar = learner.ok("GET", f"{SESSIONS}/calendar")
    (day,) = calendar["days"]
    # More was told than passed, and what passed is counted.
    assert day == {"date": day["date"], "sessions": 2, "seconds": day["seconds"]}
    assert 0 <= day["seconds"] < 1200
    assert day["date"].startswith(calendar["month"])
    assert learner.ok("GET", f"{SESSIONS}/calendar?month={calendar['month']}") == calendar
    assert learner.ok("GET", f"{SESSIONS}/calendar?month=2020-02") == {"month": "2020-02", "days": []}


def test_days_are_the_users_own(learner: Learner) -> None:
    # Exactly 24 hours apart: the same instant, always one calendar day later.
    for zone in ("Pacific/Pago_Pago", "Pacific/Tongatapu"):
        learner.client.headers["X-Time-Zone"] = zone
        complete(learner, start(learner)["session_id"])
    stats = learner.ok("GET", f"{SESSIONS}/stats")
    assert_like(stats, {"total_sessions": 2, "current_streak": 2, "longest_streak": 2}, values=True)
    months = {f"{datetime.now(UTC):%Y-%m}", learner.ok("GET", f"{SESSIONS}/calendar")["month"]}
    days = [
        day for month in months for day in learner.ok("GET", f"{SESSIONS}/calendar?month={month}")["days"]
    ]
    assert days
    assert {day["sessions"] for day in days} == {1}


def test_a_repeated_request_with_its_key_gets_the_first_answer(learner: Learner) -> None:
    key = {"Idempotency-Key": "start"}
    started = [learner.ok("POST", f"{SESSIONS}/start", {}, status=201, **key) for _ in range(3)]
    assert started[0] == started[1] == started[2]
    body, key = ending(started[0]["session_id"]), {"Idempotency-Key": "end"}
    first = learner.ok("POST", f"{SESSIONS}/complete", body, **key)
    complete(learner, start(learner)["session_id"])
    assert learner.ok("POST", f"{SESSIONS}/complete", body, **key) == first
    other = {**body, "duration_seconds": 901}
    assert isinstance(refused(learner.send("POST", f"{SESSIONS}/complete", other, **key), 422), str)
    assert learner.ok("GET", f"{SESSIONS}/stats")["total_sessions"] == 2


def test_a_trailing_slash_and_unknown_members_are_accepted(learner: Learner) -> None:
    assert learner.ok("GET", f"{SESSIONS}/history/") == {"total": 0, "sessions": []}
    assert start(learner, mood="calm")["sequence_id"] is None


def test_every_call_needs_a_token(anyone: httpx.Client) -> None:
    for method, path in (
        *(("POST", "start"), ("POST", "complete"), ("PUT", "1/pause"), ("PUT", "1/resume")),
        *(("PUT", "1/notes"), ("GET", "current"), ("GET", "history"), ("GET", "stats"), ("GET", "calendar")),
    ):
        for headers in ({}, {"Authorization": "Bearer nonsense"}):
            assert refused(anyone.request(method, f"{SESSIONS}/{path}", headers=headers), 401)
