"""What other contexts are told of an end."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import date

import pytest

from session_service.domain.days import Calendar
from session_service.domain.events import CalendarChanged, SessionEnded
from session_service.domain.learner import CalendarChange
from session_service.domain.states import State
from tests.session_service.domain.sessions import PRODUCTS, START, answered, at, end, started


def test_the_event_says_everything_that_statistics_are_made_of() -> None:
    session = answered(started("exercises", mode="review"), given=4, correct=3, now=at(5))
    ended = end(session, now=at(60.5), user_seq=12, calendar=Calendar("Pacific/Kiritimati", 4))
    assert SessionEnded.of(ended) == SessionEnded(
        event_id=uuid.UUID("24bbce8b-7415-52bb-8f11-d3df89fc5a55"),
        session_id=77,
        user_id=5,
        user_seq=12,
        product="exercises",
        mode="review",
        content="",
        outcome="completed",
        counts=True,
        started_at=START,
        ended_at=at(60.5),
        time_zone="Pacific/Kiritimati",
        rollover_hour=4,
        local_date=date(2026, 2, 18),
        elapsed_seconds=60,
        implausible=False,
        synced=False,
        answer_count=4,
        correct_answer_count=3,
    )


@pytest.mark.parametrize("product", PRODUCTS)
@pytest.mark.parametrize("outcome", [State.COMPLETED, State.ABANDONED])
def test_telling_it_again_tells_the_same(product: str, outcome: State) -> None:
    session = answered(started(product), given=1, correct=0, now=at(5))
    ended = end(session, outcome, now=at(9), reported=9)
    assert SessionEnded.of(replace(ended)) == SessionEnded.of(ended)
    assert SessionEnded.of(ended).counts is (outcome is State.COMPLETED)
    assert SessionEnded.of(ended).outcome == outcome.value


@pytest.mark.parametrize("product", PRODUCTS)
def test_what_ends_without_an_answer_counts_only_where_nothing_is_answered(product: str) -> None:
    ended = end(started(product), now=at(9), reported=9)
    assert SessionEnded.of(ended).counts is (product not in ("exercises", "portal"))
    assert SessionEnded.of(ended).outcome == "completed"


def test_the_id_is_the_sessions_own_and_nothing_else_changes_it() -> None:
    ended = end(started("yoga"))
    assert SessionEnded.of(replace(ended, elapsed_seconds=5)).event_id == SessionEnded.of(ended).event_id
    ids = {SessionEnded.of(replace(ended, id=number)).event_id for number in range(1, 200)}
    assert len(ids) == 199


def test_an_open_session_has_no_end_to_tell_of() -> None:
    with pytest.raises(AssertionError):
        SessionEnded.of(started("focus"))


CHANGE = CalendarChange(
    id=9,
    user_id=5,
    user_seq=12,
    effective_at=at(60.5),
    calendar=Calendar("Pacific/Kiritimati", 4),
    signed_up_at=START,
)


def test_a_change_of_calendar_says_how_days_run_from_then_on() -> None:
    assert CalendarChanged.of(CHANGE) == CalendarChanged(
        event_id=uuid.uuid5(uuid.UUID("5f0cbe8a-5f2b-5d52-9d0c-6a1f5d4f7c11"), "calendar_changed:5:12"),
        change_id=9,
        user_id=5,
        user_seq=12,
        effective_at=at(60.5),
        time_zone="Pacific/Kiritimati",
        rollover_hour=4,
        signed_up_at=START,
    )
    assert CalendarChanged.of(replace(CHANGE)) == CalendarChanged.of(CHANGE)


def test_the_id_of_a_change_is_its_place_in_its_users_sequence() -> None:
    others = [
        *(replace(CHANGE, user_seq=seq) for seq in range(1, 50)),
        *(replace(CHANGE, user_id=user) for user in range(6, 50)),
    ]
    assert len({CalendarChanged.of(change).event_id for change in others}) == 93
    assert CalendarChanged.of(replace(CHANGE, id=10)).event_id == CalendarChanged.of(CHANGE).event_id


def test_a_change_that_is_not_stored_is_no_event() -> None:
    with pytest.raises(AssertionError):
        CalendarChanged.of(replace(CHANGE, id=0))
