"""Every state against everything that can be asked of a session."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from session_service.domain.errors import EtagMismatchError, OutcomeNotAllowedError, SessionEndedError
from session_service.domain.practice_session import PracticeSession
from session_service.domain.states import State
from tests.session_service.domain.sessions import PRODUCTS, answered, at, end, in_state, started
from tests.session_service.products import SHIPPED_PRODUCTS

LATER = at(20)
Operation = Callable[[PracticeSession], PracticeSession]

OPERATIONS: dict[str, Operation] = {
    "pause": lambda session: session.pause(now=LATER, reported=20),
    "resume": lambda session: session.resume(now=LATER),
    "record_answer": lambda session: session.record_answer(correct=True, before=None, now=LATER),
    "save_draft": lambda session: session.save_draft(draft_hash="h", base_hash="", reported=20, now=LATER),
    "add_message": lambda session: session.add_message("Why?", now=LATER),
    **{
        f"end_{outcome}": lambda session, outcome=outcome: end(session, outcome, now=LATER, reported=20)
        for outcome in (State.COMPLETED, State.PARTIAL, State.ABANDONED)
    },
}
OPEN = (State.ACTIVE, State.PAUSED)
UNCHANGED = object()


def _expected(product: str, state: State, operation: str) -> Any:
    """The state afterwards, UNCHANGED for a no-op, or the error."""
    if state not in OPEN:
        return SessionEndedError
    if operation.startswith("end_"):
        outcome = State(operation.removeprefix("end_"))
        known = outcome is not State.PARTIAL or product == "yoga"
        return outcome if known else OutcomeNotAllowedError
    if operation == "pause":
        silent = state is State.PAUSED and product in ("exercises", "portal", "focus")
        return UNCHANGED if silent else State.PAUSED
    if operation == "resume":
        return UNCHANGED if state is State.ACTIVE else State.ACTIVE
    return state


CASES = [
    (product, state, operation)
    for product in PRODUCTS
    for state in State
    if state in OPEN or state in SHIPPED_PRODUCTS[product].policy.outcomes
    for operation in OPERATIONS
]


@pytest.mark.parametrize(("product", "state", "operation"), CASES)
def test_each_operation_in_each_state_has_the_one_result(product: str, state: State, operation: str) -> None:
    before = in_state(product, state)
    kept = replace(before)
    expected = _expected(product, state, operation)
    if isinstance(expected, type):
        with pytest.raises(expected):
            OPERATIONS[operation](before)
    elif expected is UNCHANGED:
        assert OPERATIONS[operation](before) is before
    else:
        after = OPERATIONS[operation](before)
        assert after.state is expected
        assert after.version == before.version + 1
        assert after.updated_at == LATER
    assert before == kept, "a session is a value"


@pytest.mark.parametrize("state", [State.COMPLETED, State.PARTIAL, State.ABANDONED])
def test_the_refusal_of_an_ended_session_says_how_and_when_it_ended(state: State) -> None:
    with pytest.raises(SessionEndedError) as refused:
        in_state("yoga", state).must_be_open()
    assert refused.value.metadata == {
        "session": "sessions/77",
        "state": state.value,
        "end_time": "2026-02-18T08:00:10+00:00",
    }


@pytest.mark.parametrize("outcome", [State.ACTIVE, State.PAUSED])
def test_an_open_state_is_no_end(outcome: State) -> None:
    with pytest.raises(OutcomeNotAllowedError):
        end(started("yoga"), outcome)


@pytest.mark.parametrize(
    ("outcome", "counts"), [(State.COMPLETED, True), (State.PARTIAL, False), (State.ABANDONED, False)]
)
def test_only_what_was_completed_counts(outcome: State, counts: bool) -> None:
    assert end(started("yoga"), outcome).counts is counts


def test_the_end_frees_the_slot() -> None:
    assert end(started("focus"), State.ABANDONED).open_slot is None


def test_answers_and_messages_add_up() -> None:
    session = answered(started("exercises"), given=3, correct=2, now=at(1))
    session = answered(session, given=1, correct=0, now=at(2))
    session = session.add_message("Why?", now=at(3)).add_message("So.", now=at(4))
    assert (session.answer_count, session.correct_answer_count, session.message_count) == (4, 2, 2)


@pytest.mark.parametrize(
    ("given", "correct", "score"),
    [(0, 0, 0.0), (15, 12, 80.0), (3, 1, 33.33), (3, 2, 66.67), (7, 6, 85.71), (100, 7, 7.0), (4, 4, 100.0)],
)
def test_the_score_is_the_share_of_right_answers_in_percent_with_two_decimals(
    given: int, correct: int, score: float
) -> None:
    session = started("exercises")
    if given:
        session = answered(session, given=given, correct=correct, now=at(1))
    assert session.score_percentage == score


def test_a_draft_is_refused_when_another_device_saved_in_between() -> None:
    mine = started("design").save_draft(draft_hash="first", base_hash="", reported=None, now=at(1))
    theirs = mine.save_draft(draft_hash="second", base_hash="first", reported=None, now=at(2))
    with pytest.raises(EtagMismatchError) as refused:
        theirs.save_draft(draft_hash="third", base_hash="first", reported=None, now=at(3))
    assert refused.value.metadata == {"etag": "second"}
    assert (theirs.draft_hash, theirs.draft_saved_at) == ("second", at(2))


@pytest.mark.parametrize("base", ["first", "second", "never"])
def test_a_draft_that_is_stored_already_is_saved_whichever_version_it_was_made_from(base: str) -> None:
    mine = started("design").save_draft(draft_hash="first", base_hash="", reported=None, now=at(1))
    saved = mine.save_draft(draft_hash="second", base_hash="first", reported=None, now=at(2))
    again = saved.save_draft(draft_hash="second", base_hash=base, reported=7, now=at(9))
    assert (again.draft_hash, again.draft_saved_at, again.elapsed_seconds) == ("second", at(9), 7)


def test_the_same_draft_again_is_a_save_too() -> None:
    session = started("design").save_draft(draft_hash="same", base_hash="", reported=None, now=at(1))
    again = session.save_draft(draft_hash="same", base_hash="", reported=None, now=at(9))
    assert again.draft_saved_at == at(9)


def test_an_etag_is_the_versions_own_and_an_empty_one_expects_nothing() -> None:
    session = started("focus")
    session.expect("")
    session.expect('"1"')
    for stale in ('"0"', '"2"', "1", "*"):
        with pytest.raises(EtagMismatchError) as refused:
            session.expect(stale)
        assert refused.value.metadata == {"etag": '"1"'}
