"""The yoga product's web app: every page load finds the session that is open."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.clients.running import run_program
from tests.end_to_end.documented import assert_like

SESSION = {
    "session_id": 1,
    "user_id": 42,
    "sequence_id": 123,
    "started_at": "2025-12-05T10:00:00Z",
    "completed_at": None,
    "duration_seconds": 0,
    "completion_status": "abandoned",
}
LoadPage = Callable[..., Any]


@pytest.fixture
def load_page(gateway: dict[str, str]) -> LoadPage:
    """Loads a page of the app, in a process of its own."""
    return lambda *action: run_program("yoga_page", gateway, *action)


def test_a_practice_is_found_again_after_every_reload_and_its_statistics_are_shown(
    load_page: LoadPage,
) -> None:
    begun = load_page("begin", "sequence_id=123")
    assert begun["current"] is None
    assert begun["status"] == 201
    assert_like(begun["answer"], SESSION)
    assert begun["answer"]["sequence_id"] == 123

    paused = load_page("pause", "duration_so_far=300")
    assert paused["current"] == begun["answer"]
    session_id = begun["answer"]["session_id"]
    shown = {"session_id": session_id, "duration_seconds": 300, "completion_status": "abandoned"}
    assert_like(paused["answer"], shown, values=True)

    resumed = load_page("resume")
    assert resumed["current"]["duration_seconds"] == 300
    assert resumed["status"] == 200

    completed = load_page(
        "complete", "duration_seconds=900", "poses_completed=10", "completion_status=completed"
    )
    assert completed["current"]["session_id"] == session_id
    ended = {"session_id": session_id, "duration_seconds": 900, "completion_status": "completed"}
    assert_like(completed["answer"], {**begun["answer"], "completed_at": "", **ended})
    statistics = {
        "total_sessions": 1,
        "total_practice_time_seconds": 900,
        "average_duration_seconds": 900,
        "completion_rate_percent": 100,
    }
    assert_like(completed["answer"], {**ended, "statistics": statistics}, values=True)

    after = load_page("stats")
    assert after["current"] is None
    assert_like(after["answer"], {**statistics, "current_streak": 1, "longest_streak": 1}, values=True)


def test_what_was_practised_is_looked_at_later(load_page: LoadPage) -> None:
    session_id = load_page("begin")["answer"]["session_id"]
    load_page("complete", "duration_seconds=600", "completion_status=completed")
    noted = load_page("notes", f"session_id={session_id}", "notes=calm")
    assert_like(noted["answer"], {"session_id": session_id, "notes": "calm"}, values=True)
    history = load_page("history")["answer"]
    shown = {"session_id": session_id, "duration_seconds": 600, "notes": "calm"}
    assert_like(history, {"total": 1, "sessions": [shown]}, values=True)
    calendar = load_page("calendar")["answer"]
    assert_like(calendar["days"], [{"sessions": 1}], values=True)
    assert 0 <= calendar["days"][0]["seconds"] < 600, "what passed is counted, not what was told"
    assert calendar["days"][0]["date"].startswith(calendar["month"])
    assert load_page("calendar", "month=2020-02")["answer"] == {"month": "2020-02", "days": []}


def test_the_newest_open_practice_is_the_one_to_go_on_with(load_page: LoadPage) -> None:
    first = load_page("begin")["answer"]
    second = load_page("begin", "sequence_id=123")["answer"]
    assert first["sequence_id"] is None
    ending = ("complete", "duration_seconds=60", "poses_completed=1", "completion_status=partial")
    assert load_page(*ending)["answer"]["session_id"] == second["session_id"]
    assert load_page()["current"] == first


def test_refusals_can_be_shown(load_page: LoadPage) -> None:
    unknown = load_page("begin", "sequence_id=999999")
    assert unknown["status"] == 404
    assert_like(unknown["answer"], {"detail": "..."})
    load_page("begin")
    too_long = load_page("pause", "duration_so_far=14401")
    assert too_long["status"] == 422
    assert_like(too_long["answer"], {"detail": [{"loc": ["body", "duration_so_far"], "msg": "", "type": ""}]})
