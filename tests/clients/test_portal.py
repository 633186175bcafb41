"""The portal product's clients: one that scripts, and a web app on another origin."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from gateway.openapi.live import PORTAL_CHANNEL
from tests.clients.conftest import Play
from tests.clients.running import run_program
from tests.described import check_message
from tests.end_to_end.documented import assert_like
from tests.stack import Learner, MakeLearner

ACTIVITIES = Path(__file__).parents[2] / "content" / "activities"
SESSIONS = "/portal/api/v1/sessions"
NORMAL_CLOSE = 1000
NEVER_OPENED = 1006


@pytest.fixture(scope="session")
def translations() -> dict[str, str]:
    """What a person who knows every word of activity 123 answers."""
    for file in sorted(ACTIVITIES.glob("*.yaml")):
        for activity in yaml.safe_load(file.read_text(encoding="utf-8")):
            if activity["id"] == 123:
                return {word["word"]: word["translations"][0] for word in activity["words"]}
    raise AssertionError("there is no activity 123")


def progress_of(events: list[Any]) -> list[int]:
    return [event["data"]["completed"] for event in events if event["type"] == "progress_update"]


def test_a_session_is_practised_watched_and_found_again(
    gateway: dict[str, str], translations: dict[str, str]
) -> None:
    settings = {"difficulty": "medium", "word_count": 10, "time_limit": 600}
    given = {"activity_id": 123, "settings": settings, "answers": translations, "mistakes": [0]}
    told = run_program("portal_client", gateway, given=given)

    first = told["started"]["first_item"]
    assert_like(told["started"], {"session_id": "", "start_time": "", "first_item": {"word": "", "type": ""}})
    assert told["started"]["settings"] == settings
    assert told["during"]["timing"]["end_time"] is None
    results = told["results"]
    assert [result["correct"] for result in results] == [False] + [True] * 9
    assert results[0]["correct_answer"] == translations[first["word"]]
    assert results[-1]["progress"] == {"completed": 10, "remaining": 0, "success_rate": 0.9}

    summary = told["completed"]["session_summary"]
    shown = {"words_practiced": 10, "correct_answers": 9, "success_rate": 0.9}
    assert_like(summary, {**shown, "streaks": {"current": 1, "best": 1}}, values=True)
    assert "Sharp Mind" in [achievement["name"] for achievement in told["completed"]["achievements"]]
    assert [step["word_ids"] for step in told["completed"]["next_steps"]] == [[first["item_id"]]]

    (session,) = told["history"]["sessions"]
    assert session["id"] == told["details"]["session_id"] == told["started"]["session_id"]
    activity = {"id": 123, "name": "Basic Vocabulary", "type": "flashcards"}
    performance = {**shown, "incorrect_answers": 1, "average_response_time": 2.5}
    assert_like(told["details"], {"activity": activity, "performance": performance}, values=True)
    assert [word["word"] for word in told["details"]["progress"]["needs_practice"]] == [first["word"]]


def test_the_listener_hears_of_every_answer_once_and_of_the_end(
    gateway: dict[str, str], translations: dict[str, str]
) -> None:
    given = {"activity_id": 123, "settings": {"word_count": 5}, "answers": translations, "mistakes": []}
    told = run_program("portal_client", gateway, given=given)
    events = told["events"]
    for event in events:
        check_message(PORTAL_CHANNEL, event["type"], event)
    assert progress_of(events) == [0, 1, 2, 3, 4, 5]
    assert {event["type"] for event in events[:2]} == {"progress_update", "time_update"}
    assert events[-1]["type"] == "session_complete"
    assert_like(events[-1]["data"], {"success_rate": 1, "words_mastered": 5}, values=True)
    assert told["close_code"] == NORMAL_CLOSE


def test_a_web_app_answers_and_listens_from_another_origin(
    play_in_chromium: Play, translations: dict[str, str]
) -> None:
    given = {"activityId": 123, "settings": {"word_count": 5}, "answers": translations}
    (told,) = play_in_chromium(("watchedWords", given))["results"]
    assert [result["correct"] for result in told["results"]] == [True] * 5
    assert progress_of(told["events"]) == [0, 1, 2, 3, 4, 5]
    assert told["events"][-1]["type"] == "session_complete"
    assert told["closed"] == {"code": NORMAL_CLOSE, "opened": True, "protocol": "bearer"}
    assert told["finished"]["session_summary"]["success_rate"] == 1


def test_a_cancelled_session_is_over_for_its_listener_too(learner: Learner, play_in_chromium: Play) -> None:
    session_id = learner.ok("POST", f"{SESSIONS}/start", {"activity_id": 123})["session_id"]
    (told,) = play_in_chromium(("cancelled", {"sessionId": session_id}))["results"]
    assert_like(told["answer"], {"session_id": session_id, "status": "abandoned"}, values=True)
    assert told["closed"]["code"] == NORMAL_CLOSE
    assert progress_of(told["events"]) == [0]
    refused = learner.send("POST", f"{SESSIONS}/{session_id}/complete", {})
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_request")


def test_a_web_app_hears_nothing_of_anothers_session_nor_without_a_token(
    play_in_chromium: Play, gateway: dict[str, str], make_learner: MakeLearner
) -> None:
    owner: Learner = make_learner("Berta")
    session_id = owner.ok("POST", f"{SESSIONS}/start", {"activity_id": 123})["session_id"]
    without = {**gateway, "token": "nonsense"}
    told = play_in_chromium(
        ("listen", {"sessionId": session_id}), ("listen", {"sessionId": session_id, "gateway": without})
    )
    for heard in told["results"]:
        assert heard["events"] == []
        assert heard["closed"] == {"code": NEVER_OPENED, "opened": False, "protocol": ""}
