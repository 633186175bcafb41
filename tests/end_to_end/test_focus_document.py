"""The focus product's document, replayed in its order through the gateway."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.end_to_end.conftest import Learner, MakeLearner
from tests.end_to_end.documented import assert_like, assert_time

SESSIONS = "/focus/api/v1/sessions"
SHOWN = {
    "id": 1,
    "user_id": 1,
    "duration_seconds": 1500,
    "elapsed_seconds": 0,
    "status": "active",
    "started_at": "2026-02-18T08:00:00Z",
    "ended_at": None,
}


def start(learner: Learner, seconds: int = 1500) -> dict[str, Any]:
    data = learner.ok("POST", SESSIONS, {"duration_seconds": seconds}, status=201)["data"]
    assert isinstance(data, dict)
    return data


def end(learner: Learner, session_id: int, elapsed: int = 1500, status: str = "completed") -> dict[str, Any]:
    body = {"elapsed_seconds": elapsed, "status": status}
    data = learner.ok("PATCH", f"{SESSIONS}/{session_id}/end", body)["data"]
    assert isinstance(data, dict)
    return data


def refused(response: httpx.Response, status: int) -> str:
    """Asserts the envelope of an error and returns its message."""
    assert response.status_code == status, response.text
    assert_like(response.json(), {"success": False, "data": None}, values=True)
    message = response.json()["message"]
    assert isinstance(message, str)
    assert message
    return message


def test_the_lifecycle_runs_as_documented(learner: Learner) -> None:
    envelope = learner.ok("POST", SESSIONS, {"duration_seconds": 1500}, status=201)
    assert_like(envelope, {"success": True, "message": "focus session started", "data": SHOWN})
    data = envelope["data"]
    known = {name: SHOWN[name] for name in ("duration_seconds", "elapsed_seconds", "status", "ended_at")}
    assert_like(data, known, values=True)
    assert envelope["message"] == "focus session started"
    assert data["user_id"] == int(learner.account["user_id"])
    assert_time(data["started_at"], "seconds")
    one = f"{SESSIONS}/{data['id']}"

    paused = learner.ok("PATCH", f"{one}/pause", {"elapsed_seconds": 750, "status": "paused"})
    assert_like(paused["data"], {**data, "elapsed_seconds": 750, "status": "paused"}, values=True)

    resumed = learner.ok("PATCH", f"{one}/resume")
    documented = {"data": {"id": data["id"], "elapsed_seconds": 750, "status": "active"}}
    assert_like(resumed, documented, values=True)

    ended = learner.ok("PATCH", f"{one}/end", {"elapsed_seconds": 1500, "status": "completed"})
    assert_like(
        ended["data"], {"id": data["id"], "elapsed_seconds": 1500, "status": "completed"}, values=True
    )
    assert_time(ended["data"]["ended_at"], "seconds")
    assert ended["success"] is True


def test_a_session_can_be_abandoned_and_changes_no_progress(learner: Learner) -> None:
    session = start(learner)
    abandoned = end(learner, session["id"], 400, "abandoned")
    assert_like(abandoned, {"status": "abandoned", "elapsed_seconds": 400}, values=True)
    assert learner.ok("GET", "/focus/api/v1/progress")["data"] == []
    streak = learner.ok("GET", "/focus/api/v1/streak")["data"]
    assert_like(streak, {"current_streak": 0, "longest_streak": 0, "last_session_date": None}, values=True)
    assert learner.ok("GET", "/focus/api/v1/badges")["data"] == []


@pytest.mark.parametrize("seconds", [60, 1500, 2700, 3600, 86_400])
def test_every_documented_duration_is_taken(learner: Learner, seconds: int) -> None:
    assert start(learner, seconds)["duration_seconds"] == seconds


@pytest.mark.parametrize(
    "body", [{"duration_seconds": 59}, {"duration_seconds": 86_401}, {}, {"duration_seconds": 0}]
)
def test_a_duration_out_of_range_is_refused_and_starts_nothing(
    learner: Learner, body: dict[str, int]
) -> None:
    refused(learner.send("POST", SESSIONS, body), 400)
    assert learner.ok("GET", f"{SESSIONS}/active")["data"] is None


def test_a_second_start_conflicts_while_one_is_active_or_paused(learner: Learner) -> None:
    session = start(learner)
    refused(learner.send("POST", SESSIONS, {"duration_seconds": 1500}), 409)
    learner.ok("PATCH", f"{SESSIONS}/{session['id']}/pause", {"elapsed_seconds": 10, "status": "paused"})
    refused(learner.send("POST", SESSIONS, {"duration_seconds": 1500}), 409)
    end(learner, session["id"], 20)
    assert start(learner)["id"] != session["id"]


def test_the_active_session_is_restored_and_null_when_there_is_none(learner: Learner) -> None:
    nothing = learner.ok("GET", f"{SESSIONS}/active")
    assert_like(nothing, {"success": True, "data": None}, values=True)
    session = start(learner)
    assert_like(learner.ok("GET", f"{SESSIONS}/active")["data"], session, values=True)
    learner.ok("PATCH", f"{SESSIONS}/{session['id']}/pause", {"elapsed_seconds": 750, "status": "paused"})
    restored = learner.ok("GET", f"{SESSIONS}/active")["data"]
    assert_like(restored, {**session, "elapsed_seconds": 750, "status": "paused"}, values=True)


def test_pausing_again_and_resuming_again_change_nothing(learner: Learner) -> None:
    one = f"{SESSIONS}/{start(learner)['id']}"
    first = learner.ok("PATCH", f"{one}/pause", {"elapsed_seconds": 100, "status": "paused"})["data"]
    assert learner.ok("PATCH", f"{one}/pause", {"elapsed_seconds": 500, "status": "paused"})["data"] == first
    active = learner.ok("PATCH", f"{one}/resume")["data"]
    assert learner.ok("PATCH", f"{one}/resume")["data"] == active


@pytest.mark.parametrize(
    ("action", "body"),
    [
        ("pause", {}),
        ("pause", {"elapsed_seconds": -1}),
        ("pause", {"elapsed_seconds": 5, "status": "active"}),
        ("end", {"status": "completed"}),
        ("end", {"elapsed_seconds": -5, "status": "completed"}),
        ("end", {"elapsed_seconds": 5}),
        ("end", {"elapsed_seconds": 5, "status": "finished"}),
        ("end", {"elapsed_seconds": 99, "status": "completed"}),
        ("end", {"elapsed_seconds": "many", "status": "completed"}),
        ("end", {"elapsed_seconds": 5, "status": 7}),
    ],
)
def test_bad_reports_are_refused_and_change_nothing(
    learner: Learner, action: str, body: dict[str, Any]
) -> None:
    session = start(learner)
    one = f"{SESSIONS}/{session['id']}"
    learner.ok("PATCH", f"{one}/pause", {"elapsed_seconds": 100, "status": "paused"})
    learner.ok("PATCH", f"{one}/resume")
    before = learner.ok("GET", f"{SESSIONS}/active")["data"]
    refused(learner.send("PATCH", f"{one}/{action}", body), 400)
    assert learner.ok("GET", f"{SESSIONS}/active")["data"] == before


def test_an_ended_session_takes_no_change(learner: Learner) -> None:
    session = start(learner)
    end(learner, session["id"])
    one = f"{SESSIONS}/{session['id']}"
    for action, body in [
        ("pause", {"elapsed_seconds": 1600, "status": "paused"}),
        ("resume", None),
        ("end", {"elapsed_seconds": 1600, "status": "completed"}),
    ]:
        refused(learner.send("PATCH", f"{one}/{action}", body), 409)


def test_another_users_and_an_unknown_session_are_not_found(make_learner: MakeLearner) -> None:
    owner, stranger = make_learner("Ana"), make_learner("Berta")
    session = start(owner)
    for session_id in (session["id"], 999_999_999):
        one = f"{SESSIONS}/{session_id}"
        refused(stranger.send("PATCH", f"{one}/pause", {"elapsed_seconds": 1}), 404)
        refused(stranger.send("PATCH", f"{one}/resume"), 404)
        refused(stranger.send("PATCH", f"{one}/end", {"elapsed_seconds": 1, "status": "completed"}), 404)
    assert owner.ok("GET", f"{SESSIONS}/active")["data"] == session


def test_completed_sessions_make_progress_streak_and_badges(learner: Learner) -> None:
    for elapsed in (25, 10):
        end(learner, start(learner)["id"], elapsed)
    (day,) = learner.ok("GET", "/focus/api/v1/progress")["data"]
    assert_like(day, {"date": day["date"], "focus_seconds": 35, "sessions_completed": 2}, values=True)
    streak = learner.ok("GET", "/focus/api/v1/streak")["data"]
    expected = {"current_streak": 1, "longest_streak": 1, "last_session_date": day["date"]}
    assert_like(streak, expected, values=True)
    badges = learner.ok("GET", "/focus/api/v1/badges")["data"]
    assert "focus-first-session" in [badge["id"] for badge in badges]
    for badge in badges:
        assert_like(badge, {"id": "", "name": "", "description": "", "icon": "", "awarded_at": ""})


def test_more_time_than_passed_is_kept_as_told_and_counts_as_what_passed(learner: Learner) -> None:
    ended = end(learner, start(learner)["id"], 86_400)
    assert ended["elapsed_seconds"] == 86_400
    (day,) = learner.ok("GET", "/focus/api/v1/progress")["data"]
    assert (day["sessions_completed"], day["focus_seconds"] < 3_600) == (1, True)
    badges = learner.ok("GET", "/focus/api/v1/badges")["data"]
    assert "focus-10-hours" not in [badge["id"] for badge in badges]
    session = start(learner)["id"]
    for change, status in (("pause", "paused"), ("end", "completed")):
        more = {"elapsed_seconds": 86_401, "status": status}
        refused(learner.send("PATCH", f"{SESSIONS}/{session}/{change}", more), 400)


def test_the_next_day_of_the_user_adds_one_to_the_streak(learner: Learner) -> None:
    # Exactly 24 hours apart: the same instant, always one calendar day later.
    for zone in ("Pacific/Pago_Pago", "Pacific/Tongatapu"):
        learner.client.headers["X-Time-Zone"] = zone
        end(learner, start(learner)["id"])
    streak = learner.ok("GET", "/focus/api/v1/streak")["data"]
    assert_like(streak, {"current_streak": 2, "longest_streak": 2}, values=True)
    assert len(learner.ok("GET", "/focus/api/v1/progress")["data"]) == 2


def test_history_is_newest_first_with_limit_and_before(learner: Learner) -> None:
    ids = []
    for _ in range(5):
        ids.append(start(learner)["id"])
        end(learner, ids[-1])
    history = learner.ok("GET", SESSIONS)
    assert history["success"] is True
    assert [session["id"] for session in history["data"]] == ids[::-1]
    assert_like(history["data"][0], {**SHOWN, "ended_at": "2026-02-18T08:25:00Z"})
    page = learner.ok("GET", f"{SESSIONS}?limit=2&before={ids[3]}")["data"]
    assert [session["id"] for session in page] == [ids[2], ids[1]]
    for query in ("limit=0", "limit=101", "limit=ten", "before=-1", "before=x"):
        refused(learner.send("GET", f"{SESSIONS}?{query}"), 400)


def test_every_call_needs_a_token(anyone: httpx.Client) -> None:
    for method, path in [
        ("POST", SESSIONS),
        ("GET", SESSIONS),
        ("GET", f"{SESSIONS}/active"),
        ("PATCH", f"{SESSIONS}/1/pause"),
        ("PATCH", f"{SESSIONS}/1/resume"),
        ("PATCH", f"{SESSIONS}/1/end"),
        ("GET", "/focus/api/v1/progress"),
        ("GET", "/focus/api/v1/streak"),
        ("GET", "/focus/api/v1/badges"),
    ]:
        refused(anyone.request(method, path), 401)
        refused(anyone.request(method, path, headers={"Authorization": "Bearer nonsense"}), 401)
