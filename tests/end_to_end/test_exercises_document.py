"""The exercises product's document, replayed in its order through the gateway."""

from __future__ import annotations

from datetime import datetime

import httpx
import pytest

from tests.end_to_end.conftest import Learner, MakeLearner
from tests.end_to_end.documented import assert_like, assert_time

PREFIXES = ["/exercises", "/api/exercises"]
VALIDATION = {
    "is_correct": True,
    "correct_answer": "hable",
    "exercise_id": 123,
    "session_id": 42,
    "feedback": "...",
    "total_exercises": 1,
    "correct_answers": 1,
    "score_percentage": 100.0,
}


def start(learner: Learner, prefix: str = "/exercises", kind: str = "practice") -> int:
    started = learner.ok("POST", f"{prefix}/session/start", {"session_type": kind})
    return int(started["session_id"])


def answer(session_id: int | None, text: str = "hable") -> dict[str, object]:
    body: dict[str, object] = {"exercise_id": "123", "user_answer": text, "time_taken": 8}
    return body if session_id is None else {**body, "session_id": session_id}


@pytest.mark.parametrize("prefix", PREFIXES)
def test_a_session_is_started_answered_and_ended_as_documented(learner: Learner, prefix: str) -> None:
    started = learner.ok("POST", f"{prefix}/session/start", {"session_type": "practice"})
    assert_like(started, {"session_id": 42, "started_at": "2025-11-28T10:30:00.000Z"})
    assert_time(started["started_at"], "milliseconds")
    session_id = started["session_id"]

    right = 0
    for position in range(15):
        wrong = position in (4, 9, 14)
        right += not wrong
        text = "habla" if wrong else "hable"
        result = learner.ok("POST", f"{prefix}/submit", answer(session_id, text))
        assert_like(result, VALIDATION)
        told = [result[name] for name in ("is_correct", "correct_answer", "exercise_id", "session_id")]
        assert told == [not wrong, "hable", 123, session_id]
        assert (result["total_exercises"], result["correct_answers"]) == (position + 1, right)
        assert result["score_percentage"] == round(right / (position + 1) * 100, 2)

    ended = learner.ok("POST", f"{prefix}/session/end", {"session_id": session_id})
    shown = {
        "session_id": session_id,
        "started_at": started["started_at"],
        "total_exercises": 15,
        "correct_answers": 12,
        "score_percentage": 80.0,
        "session_type": "practice",
    }
    assert_like(ended, shown, values=True)
    assert_like(ended, {"ended_at": "2025-11-28T10:45:30.000Z", "duration_seconds": 930})
    assert_time(ended["ended_at"], "milliseconds")
    span = datetime.fromisoformat(ended["ended_at"]) - datetime.fromisoformat(ended["started_at"])
    assert ended["duration_seconds"] == pytest.approx(span.total_seconds(), abs=1)
    assert ended["duration_seconds"] == int(ended["duration_seconds"])


@pytest.mark.parametrize("kind", ["practice", "review", "test"])
def test_each_documented_session_type_is_kept(learner: Learner, kind: str) -> None:
    ended = learner.ok("POST", "/exercises/session/end", {"session_id": start(learner, kind=kind)})
    assert ended["session_type"] == kind


@pytest.mark.parametrize("body", [{}, {"session_type": None}])
def test_a_session_type_left_out_means_practice(learner: Learner, body: dict[str, None]) -> None:
    session_id = learner.ok("POST", "/exercises/session/start", body)["session_id"]
    ended = learner.ok("POST", "/exercises/session/end", {"session_id": session_id})
    assert ended["session_type"] == "practice"
    assert ended["score_percentage"] == 0.0


def test_without_a_session_the_answer_is_a_completed_session_of_its_own(learner: Learner) -> None:
    result = learner.ok("POST", "/exercises/submit", answer(None))
    assert_like(
        result,
        {**VALIDATION, "session_id": result["session_id"], "feedback": result["feedback"]},
        values=True,
    )
    again = learner.send("POST", "/exercises/submit", answer(result["session_id"]))
    assert (again.status_code, again.json()) == (400, {"detail": "Session is already completed"})
    (alone,) = learner.ok("GET", "/v1/sessions")["sessions"]
    standing = learner.ok("GET", f"/v1/standing?product=exercises&min_user_seq={alone['user_seq']}")
    assert standing["totals"]["session_count"] == 1
    assert standing["streak"]["current_days"] == 1


def test_an_unknown_session_is_answered_as_documented(learner: Learner) -> None:
    documented = {"detail": "Session not found or does not belong to user"}
    for path, body in [
        ("/exercises/submit", answer(999_999_999)),
        ("/exercises/session/end", {"session_id": 999_999_999}),
    ]:
        response = learner.send("POST", path, body)
        assert (response.status_code, response.json()) == (404, documented)


def test_another_users_session_is_answered_as_unknown(make_learner: MakeLearner) -> None:
    owner, stranger = make_learner("Ana"), make_learner("Berta")
    session_id = start(owner)
    for path, body in [
        ("/exercises/submit", answer(session_id)),
        ("/exercises/session/end", {"session_id": session_id}),
    ]:
        response = stranger.send("POST", path, body)
        assert response.status_code == 404
        assert response.json() == {"detail": "Session not found or does not belong to user"}
    assert owner.ok("POST", "/exercises/session/end", {"session_id": session_id})["total_exercises"] == 0


def test_an_ended_session_is_answered_as_documented(learner: Learner) -> None:
    session_id = start(learner)
    learner.ok("POST", "/exercises/session/end", {"session_id": session_id})
    for path, body in [
        ("/exercises/submit", answer(session_id)),
        ("/exercises/session/end", {"session_id": session_id}),
    ]:
        response = learner.send("POST", path, body)
        assert (response.status_code, response.json()) == (400, {"detail": "Session is already completed"})


def test_an_unknown_session_type_is_answered_as_documented(learner: Learner) -> None:
    response = learner.send("POST", "/exercises/session/start", {"session_type": "exam"})
    assert response.status_code == 400
    assert response.json() == {"detail": "Invalid session_type. Must be one of: practice, review, test"}


def test_an_unknown_exercise_is_not_found_and_counts_nothing(learner: Learner) -> None:
    session_id = start(learner)
    for body in [
        {**answer(session_id), "exercise_id": "99999"},
        {**answer(None), "exercise_id": 99999},
    ]:
        response = learner.send("POST", "/exercises/submit", body)
        assert (response.status_code, response.json()) == (404, {"detail": "Exercise not found"})
    assert learner.ok("POST", "/exercises/session/end", {"session_id": session_id})["total_exercises"] == 0


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("HABLE", True),
        ("  hable ", True),
        ("hable\n", True),
        ("hablé", False),
        ("", False),
        ("habl e", False),
    ],
)
def test_case_and_white_space_do_not_count_and_accents_do(learner: Learner, text: str, right: bool) -> None:
    assert learner.ok("POST", "/exercises/submit", answer(None, text))["is_correct"] is right


def test_every_call_needs_a_token(anyone: httpx.Client) -> None:
    for path in ("session/start", "submit", "session/end"):
        for prefix in PREFIXES:
            for headers in ({}, {"Authorization": "Bearer nonsense"}):
                response = anyone.post(f"{prefix}/{path}", json={}, headers=headers)
                assert response.status_code == 401
                assert_like(response.json(), {"detail": "..."})
