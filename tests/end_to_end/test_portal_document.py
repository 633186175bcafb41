"""The portal product's document, replayed in its order through the gateway."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.end_to_end.conftest import Learner, MakeLearner
from tests.end_to_end.documented import assert_like, assert_time

SESSIONS = "/portal/api/v1/sessions"
SETTINGS = {"difficulty": "medium", "word_count": 20, "time_limit": 600}
STARTED = {
    "session_id": "abc123",
    "start_time": "2024-02-17T10:00:00Z",
    "settings": SETTINGS,
    "first_item": {"word": "hello", "type": "translation"},
}
PROGRESSED = {
    "correct": True,
    "correct_answer": "hola",
    "progress": {"completed": 5, "remaining": 15, "success_rate": 0.8},
    "next_item": {"word": "goodbye", "type": "translation"},
}
COMPLETED = {
    "session_summary": {
        "duration": 450,
        "words_practiced": 20,
        "correct_answers": 16,
        "success_rate": 0.8,
        "streaks": {"current": 3, "best": 5},
    },
    "achievements": [
        {"type": "accuracy", "name": "Sharp Mind", "description": "80% success rate in a session"}
    ],
    "next_steps": [
        {"type": "practice", "description": "Review missed words", "word_ids": ["word456", "word789"]}
    ],
}
LISTED = {
    "id": "abc123",
    "activity": {"id": 123, "name": "Basic Vocabulary"},
    "start_time": "2024-02-17T10:00:00Z",
    "end_time": "2024-02-17T10:07:30Z",
    "success_rate": 0.8,
    "words_practiced": 20,
}
DETAILS = {
    "session_id": "abc123",
    "activity": {"id": 123, "name": "Basic Vocabulary", "type": "flashcards"},
    "timing": {
        "start_time": "2024-02-17T10:00:00Z",
        "end_time": "2024-02-17T10:07:30Z",
        "duration": 450,
    },
    "performance": {
        "words_practiced": 20,
        "correct_answers": 16,
        "incorrect_answers": 4,
        "success_rate": 0.8,
        "average_response_time": 2.5,
    },
    "progress": {
        "mastered_words": [{"word": "hello", "translation": "hola", "attempts": 3, "success_rate": 1.0}],
        "needs_practice": [{"word": "goodbye", "translation": "adiós", "attempts": 2, "success_rate": 0.5}],
    },
}


def start(learner: Learner, **settings: Any) -> dict[str, Any]:
    started = learner.ok("POST", f"{SESSIONS}/start", {"activity_id": 123, "settings": settings})
    assert isinstance(started, dict)
    return started


def answer(learner: Learner, session_id: str, item_id: str, text: str, seconds: float = 2.5) -> Any:
    body = {"item_id": item_id, "answer": text, "time_taken": seconds}
    return learner.ok("POST", f"{SESSIONS}/{session_id}/progress", body)


def refused(response: httpx.Response, status: int, error: str) -> Any:
    """Asserts the shape of an error and returns its body."""
    assert response.status_code == status, response.text
    assert_like(response.json(), {"error": "", "message": ""})
    assert response.json()["error"] == error
    return response.json()


def test_the_session_runs_as_documented(learner: Learner) -> None:
    started = learner.ok("POST", f"{SESSIONS}/start", {"activity_id": 123, "settings": SETTINGS})
    assert_like(started, STARTED)
    assert_like(started, {"settings": SETTINGS, "first_item": STARTED["first_item"]}, values=True)
    assert_time(started["start_time"], "seconds")
    session_id, item = started["session_id"], started["first_item"]
    one = f"{SESSIONS}/{session_id}"

    # Sixteen words right at once, two missed, two right at the second try.
    first = answer(learner, session_id, item["item_id"], "hola", 3.5)
    assert_like(first, PROGRESSED)
    assert_like(first, {"correct": True, "correct_answer": "hola"}, values=True)
    assert first["progress"] == {"completed": 1, "remaining": 19, "success_rate": 1.0}
    assert_like(first["next_item"], {"word": "goodbye", "type": "translation"}, values=True)
    second = answer(learner, session_id, first["next_item"]["item_id"], "wrong", 1.5)
    assert_like(second, {"correct": False, "correct_answer": "adiós"}, values=True)
    assert second["progress"] == {"completed": 2, "remaining": 18, "success_rate": 0.5}
    again = answer(learner, session_id, first["next_item"]["item_id"], "adiós", 2.5)
    assert again["progress"] == {"completed": 2, "remaining": 18, "success_rate": 0.6667}
    missed = []
    latest = again
    while latest["next_item"] is not None:
        item_id = latest["next_item"]["item_id"]
        latest = answer(learner, session_id, item_id, "surely wrong")
        if len(missed) < 2:
            missed.append(item_id)
        else:
            for _ in range(5):
                latest = answer(learner, session_id, item_id, latest["correct_answer"])
        assert_like(latest, {**PROGRESSED, "next_item": latest["next_item"]})
    assert latest["progress"]["remaining"] == 0

    running = learner.ok("GET", one)
    assert_like(running, {**DETAILS, "timing": {**DETAILS["timing"], "end_time": None}})

    completed = learner.ok("POST", f"{one}/complete")
    summary = completed["session_summary"]
    assert_like(summary, COMPLETED["session_summary"])
    assert summary["words_practiced"] == 20
    # 2 of 3 for the first two words, 2 missed, 16 words with 5 of 6.
    assert summary["correct_answers"] == 82
    assert summary["success_rate"] == round(82 / 101, 4)
    assert summary["streaks"] == {"current": 1, "best": 1}
    assert_like(completed["achievements"][0], COMPLETED["achievements"][0], values=True)
    for achievement in completed["achievements"]:
        assert_like(achievement, COMPLETED["achievements"][0])
    step = completed["next_steps"][0]
    assert_like(step, {"type": "practice", "description": "Review missed words"}, values=True)
    assert step["word_ids"][:3] == [first["next_item"]["item_id"], *missed]

    history = learner.ok("GET", f"{SESSIONS}/history")
    assert_like(history, {"total": 1, "sessions": [LISTED]})
    assert (history["total"], len(history["sessions"])) == (1, 1)
    assert_like(
        history["sessions"][0],
        {"id": session_id, "activity": LISTED["activity"], "words_practiced": 20},
        values=True,
    )
    assert_time(history["sessions"][0]["end_time"], "seconds")

    details = learner.ok("GET", one)
    assert_like(details, DETAILS)
    assert_like(details, {"session_id": session_id, "activity": DETAILS["activity"]}, values=True)
    assert_like(
        details["performance"],
        {"words_practiced": 20, "correct_answers": 82, "incorrect_answers": 19},
        values=True,
    )
    (mastered,) = details["progress"]["mastered_words"]
    assert mastered == {"word": "hello", "translation": "hola", "attempts": 1, "success_rate": 1.0}
    assert details["progress"]["needs_practice"][0] == DETAILS["progress"]["needs_practice"][0]
    assert details["timing"]["duration"] == summary["duration"]


def test_settings_are_optional_each_for_itself_and_unknown_ones_come_back(learner: Learner) -> None:
    bare = learner.ok("POST", f"{SESSIONS}/start", {"activity_id": 123})
    assert bare["settings"] == SETTINGS
    example = start(learner, difficulty="medium", word_count=20)
    assert example["settings"] == SETTINGS
    odd = start(learner, word_count=3, theme={"dark": True, "tags": ["a", None, 1.5]})
    assert odd["settings"] == {**SETTINGS, "word_count": 3, "theme": {"dark": True, "tags": ["a", None, 1.5]}}


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"activity_id": "many"},
        {"activity_id": 123, "settings": {"word_count": 0}},
        {"activity_id": 123, "settings": {"word_count": "20"}},
        {"activity_id": 123, "settings": {"difficulty": "extreme"}},
        {"activity_id": 123, "settings": {"time_limit": 1.5}},
        {"activity_id": 123, "settings": ["medium"]},
        b'{"activity_id": 123',
        [1],
    ],
)
def test_a_start_that_cannot_be_understood_is_an_invalid_request(learner: Learner, body: Any) -> None:
    refused(learner.send("POST", f"{SESSIONS}/start", body), 400, "invalid_request")
    assert learner.ok("GET", f"{SESSIONS}/history") == {"total": 0, "sessions": []}


def test_an_unknown_activity_is_not_found(learner: Learner) -> None:
    body = refused(
        learner.send("POST", f"{SESSIONS}/start", {"activity_id": 999_999}), 404, "activity_not_found"
    )
    assert body["message"] == "Activity with ID '999999' not found"


@pytest.mark.parametrize(
    "body",
    [
        {"answer": "hola"},
        {"item_id": "en-hello"},
        {"item_id": "word123", "answer": "hola", "time_taken": 3.5},
        {"item_id": "en-hello", "answer": "hola", "time_taken": -1},
        {"item_id": "en-hello", "answer": "hola", "time_taken": "NaN"},
        {"item_id": "en-hello", "answer": 7},
    ],
)
def test_progress_that_cannot_be_understood_is_an_invalid_request(learner: Learner, body: Any) -> None:
    one = f"{SESSIONS}/{start(learner)['session_id']}"
    refused(learner.send("POST", f"{one}/progress", body), 400, "invalid_request")
    assert learner.ok("GET", one)["performance"]["words_practiced"] == 0


def test_an_unknown_a_malformed_and_another_users_session_are_not_found(make_learner: MakeLearner) -> None:
    owner, stranger = make_learner("Ana"), make_learner("Berta")
    theirs = start(owner)["session_id"]
    for session_id in (theirs, "abc123", "999999999", "1.5"):
        one = f"{SESSIONS}/{session_id}"
        for method, path, body in (
            ("GET", one, None),
            ("POST", f"{one}/progress", {"item_id": "en-hello", "answer": "hola"}),
            ("POST", f"{one}/complete", None),
            ("POST", f"{one}/cancel", None),
        ):
            told = refused(stranger.send(method, path, body), 404, "session_not_found")
            assert told == {
                "error": "session_not_found",
                "message": f"Session with ID '{session_id}' not found",
            }


def test_an_ended_session_says_how_and_when_it_ended(learner: Learner) -> None:
    for action, status in (("complete", "completed"), ("cancel", "abandoned")):
        session_id = start(learner)["session_id"]
        one = f"{SESSIONS}/{session_id}"
        ended = learner.ok("POST", f"{one}/{action}")
        if action == "cancel":
            assert_like(ended, {"session_id": session_id, "status": "abandoned"}, values=True)
        ended_at = learner.ok("GET", one)["timing"]["end_time"]
        assert_time(ended_at, "seconds")
        for path, body in (
            ("complete", None),
            ("progress", {"item_id": "en-hello", "answer": "hola"}),
            ("cancel", None),
        ):
            told = refused(learner.send("POST", f"{one}/{path}", body), 400, "invalid_request")
            assert told == {
                "error": "invalid_request",
                "message": f"Session already {status}",
                "details": {"session_id": session_id, "status": status, "completion_time": ended_at},
            }


def test_the_thirty_first_start_of_an_hour_is_told_when_to_come_back(make_learner: MakeLearner) -> None:
    learner, other = make_learner("Ana"), make_learner("Berta")
    with ThreadPoolExecutor(8) as pool:
        sent = [
            pool.submit(learner.send, "POST", f"{SESSIONS}/start", {"activity_id": 123}) for _ in range(40)
        ]
        statuses = [answer.result().status_code for answer in sent]
    assert sorted(statuses) == [200] * 30 + [429] * 10

    response = learner.send("POST", f"{SESSIONS}/start", {"activity_id": 123})
    told = refused(response, 429, "rate_limit_exceeded")
    assert told == {
        "error": "rate_limit_exceeded",
        "message": "Too many session starts",
        "retry_after": told["retry_after"],
    }
    assert 0 < told["retry_after"] <= 3600
    assert response.headers["Retry-After"] == str(told["retry_after"])
    start(other)


def test_history_has_its_five_parameters(learner: Learner) -> None:
    ids = [start(learner)["session_id"] for _ in range(4)]
    for session_id in ids[:3]:
        learner.ok("POST", f"{SESSIONS}/{session_id}/complete")
    newest = ids[2::-1]

    def listed(query: str) -> tuple[int, list[str]]:
        body = learner.ok("GET", f"{SESSIONS}/history?{query}")
        return body["total"], [session["id"] for session in body["sessions"]]

    assert listed("") == (3, newest)
    assert listed("limit=2&offset=1") == (3, newest[1:])
    assert listed("activity_id=123&limit=50") == (3, newest)
    assert listed("activity_id=7") == (0, [])
    today = datetime.now(UTC).date()
    near = {"from_date": f"{today - timedelta(days=1)}", "to_date": f"{today + timedelta(days=1)}"}
    assert listed(f"from_date={near['from_date']}&to_date={near['to_date']}") == (3, newest)
    assert listed(f"to_date={near['from_date']}") == (0, [])
    assert listed(f"from_date={near['to_date']}") == (0, [])
    began = learner.ok("GET", f"{SESSIONS}/history?limit=1")["sessions"][0]["start_time"]
    assert newest[0] in listed(f"from_date={began}&to_date={began}")[1]

    for query in (
        *("limit=0", "limit=51", "limit=ten", "offset=-1", "activity_id=x"),
        *("from_date=yesterday", "to_date=2026-02-30"),
    ):
        refused(learner.send("GET", f"{SESSIONS}/history?{query}"), 400, "invalid_request")


def test_everybody_reads_their_own_writes_at_once(learner: Learner) -> None:
    for number in range(1, 6):
        session_id = start(learner)["session_id"]
        one = f"{SESSIONS}/{session_id}"
        for count in range(1, 4):
            answer(learner, session_id, "en-hello", "hola")
            assert learner.ok("GET", one)["performance"]["correct_answers"] == count
        learner.ok("POST", f"{one}/complete")
        assert learner.ok("GET", one)["timing"]["end_time"] is not None
        assert learner.ok("GET", f"{SESSIONS}/history")["total"] == number


def test_a_repeated_request_with_its_key_gets_the_first_answer(learner: Learner) -> None:
    started = [
        learner.ok("POST", f"{SESSIONS}/start", {"activity_id": 123}, **{"Idempotency-Key": "start"})
        for _ in range(3)
    ]
    assert started[0] == started[1] == started[2]
    one = f"{SESSIONS}/{started[0]['session_id']}"
    completions = [learner.ok("POST", f"{one}/complete", **{"Idempotency-Key": "end"}) for _ in range(3)]
    assert completions[0] == completions[1] == completions[2]
    reused = learner.send("POST", f"{one}/cancel", **{"Idempotency-Key": "end"})
    refused(reused, 422, "idempotency_key_reused")


def test_the_next_day_of_the_user_adds_one_to_the_streak(learner: Learner) -> None:
    # Exactly 24 hours apart: the same instant, always one calendar day later.
    streaks = []
    for zone in ("Pacific/Pago_Pago", "Pacific/Tongatapu"):
        learner.client.headers["X-Time-Zone"] = zone
        session_id = start(learner)["session_id"]
        one = f"{SESSIONS}/{session_id}"
        answer(learner, session_id, "en-hello", "hola")
        streaks.append(learner.ok("POST", f"{one}/complete")["session_summary"]["streaks"])
    assert streaks == [{"current": 1, "best": 1}, {"current": 2, "best": 2}]


def test_a_trailing_slash_is_accepted(learner: Learner) -> None:
    assert learner.ok("GET", f"{SESSIONS}/history/") == {"total": 0, "sessions": []}


def test_every_call_needs_a_token(anyone: httpx.Client) -> None:
    for method, path in (
        ("POST", f"{SESSIONS}/start"),
        ("GET", f"{SESSIONS}/history"),
        ("GET", f"{SESSIONS}/1"),
        ("POST", f"{SESSIONS}/1/progress"),
        ("POST", f"{SESSIONS}/1/complete"),
        ("POST", f"{SESSIONS}/1/cancel"),
    ):
        refused(anyone.request(method, path), 401, "unauthorized")
        nonsense = {"Authorization": "Bearer nonsense"}
        refused(anyone.request(method, path, headers=nonsense), 401, "unauthorized")
