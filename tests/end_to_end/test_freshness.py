"""Every change answers how far the person's events are, and standings tell how far they are counted."""

from __future__ import annotations

from typing import Any

import pytest

from tests.end_to_end.changes import journeys
from tests.end_to_end.test_whole_answers import travel
from tests.stack import Learner

HEADER = "x-practice-user-seq"
# Accounts and problems are no part of what statistics count.
COUNTED = ["exercises", "focus", "portal", "yoga", "canonical sessions"]


def standing(learner: Learner, min_user_seq: int) -> Any:
    return learner.ok("GET", f"/v1/standing?min_user_seq={min_user_seq}")


@pytest.mark.parametrize("journey", journeys(""))
def test_every_change_answers_a_number_that_can_be_waited_for(learner: Learner, journey: str) -> None:
    largest = 0
    for sent in travel(learner, journeys(learner.password)[journey]):
        number = int(sent.answer.headers[HEADER])
        assert sent.again(learner).headers[HEADER] == str(number), "a repeat gets the first answer whole"
        largest = max(largest, number)
        assert not standing(learner, largest)["pending"]
    if journey in COUNTED:
        assert largest >= 2


@pytest.mark.parametrize("journey", COUNTED)
def test_the_number_never_goes_back_and_is_the_one_of_the_newest_event(
    learner: Learner, journey: str
) -> None:
    numbers = [int(sent.answer.headers[HEADER]) for sent in travel(learner, journeys("")[journey])]
    assert numbers == sorted(numbers)
    assert int(standing(learner, numbers[-1])["applied_through"]) == numbers[-1]


def test_what_is_not_counted_yet_is_pending_and_what_was_not_asked_for_is_not(learner: Learner) -> None:
    learner.ok("POST", "/exercises/submit", {"exercise_id": "123", "user_answer": "hable", "time_taken": 2})
    now = int(standing(learner, 0)["applied_through"])
    ahead = standing(learner, now + 1000)
    assert (ahead["pending"], int(ahead["applied_through"]) < now + 1000) == (True, True)
    assert not standing(learner, 0)["pending"]


def test_a_read_has_no_number_and_a_page_may_read_the_one_of_a_change(learner: Learner) -> None:
    assert HEADER not in learner.send("GET", "/v1/sessions").headers
    origin = {"Origin": "https://app.example"}
    started = learner.send("POST", "/exercises/session/start", {}, **origin)
    assert started.is_success
    assert HEADER in started.headers["access-control-expose-headers"]
