"""The same request twice, and two at the same instant, through the gateway."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.end_to_end.conftest import Learner

SESSIONS = "/focus/api/v1/sessions"


def key() -> dict[str, str]:
    return {"Idempotency-Key": str(uuid.uuid4())}


def test_a_repeated_start_answers_the_first_session_with_the_same_status(learner: Learner) -> None:
    headers = key()
    first = learner.send("POST", SESSIONS, {"duration_seconds": 1500}, **headers)
    # The body spelt otherwise is the same request.
    again = learner.send("POST", SESSIONS, b'{ "duration_seconds" : 1500 }', **headers)
    assert (again.status_code, again.json()) == (first.status_code, first.json()) == (201, first.json())


def test_a_repeated_answer_counts_once(learner: Learner) -> None:
    session_id = learner.ok("POST", "/exercises/session/start", {})["session_id"]
    body = {"exercise_id": 123, "user_answer": "hable", "session_id": session_id}
    headers = key()
    answers = [learner.ok("POST", "/exercises/submit", body, **headers) for _ in range(3)]
    assert answers[0] == answers[1] == answers[2]
    assert learner.ok("POST", "/exercises/session/end", {"session_id": session_id})["total_exercises"] == 1


def test_a_repeated_end_answers_the_first_summary(learner: Learner) -> None:
    session_id = learner.ok("POST", "/exercises/session/start", {})["session_id"]
    headers = key()
    ends = [
        learner.ok("POST", "/exercises/session/end", {"session_id": session_id}, **headers) for _ in range(2)
    ]
    assert ends[0] == ends[1]


@pytest.mark.parametrize(
    ("path", "bodies"),
    [
        ("/exercises/session/start", [{"session_type": "test"}, {"session_type": "review"}]),
        (SESSIONS, [{"duration_seconds": 60}, {"duration_seconds": 61}]),
    ],
)
def test_a_key_with_another_body_is_422_in_the_products_shape(
    learner: Learner, path: str, bodies: list[Any]
) -> None:
    headers = key()
    assert learner.send("POST", path, bodies[0], **headers).status_code in (200, 201)
    refused = learner.send("POST", path, bodies[1], **headers)
    assert refused.status_code == 422, refused.text
    assert "detail" in refused.json() or refused.json()["success"] is False


def test_a_refused_request_leaves_its_key_free(learner: Learner) -> None:
    headers = key()
    first = learner.ok("POST", SESSIONS, {"duration_seconds": 60}, status=201)["data"]
    assert learner.send("POST", SESSIONS, {"duration_seconds": 90}, **headers).status_code == 409
    ending = {"elapsed_seconds": 1, "status": "abandoned"}
    learner.ok("PATCH", f"{SESSIONS}/{first['id']}/end", ending)
    learner.ok("POST", SESSIONS, {"duration_seconds": 90}, status=201, **headers)


def test_of_many_starts_at_the_same_instant_one_wins(learner: Learner) -> None:
    with ThreadPoolExecutor(12) as pool:
        statuses = list(
            pool.map(
                lambda _: learner.send("POST", SESSIONS, {"duration_seconds": 1500}).status_code, range(12)
            )
        )
    assert sorted(statuses) == [201] + [409] * 11
    assert len(learner.ok("GET", SESSIONS)["data"]) == 1


def test_of_many_repeats_at_the_same_instant_all_get_the_same_answer(learner: Learner) -> None:
    headers = key()
    with ThreadPoolExecutor(12) as pool:
        answers = list(
            pool.map(
                lambda _: learner.send("POST", SESSIONS, {"duration_seconds": 1500}, **headers), range(12)
            )
        )
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.text for answer in answers}) == 1
