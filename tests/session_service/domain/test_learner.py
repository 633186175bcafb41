"""How a user's calendar changes."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from session_service.domain.days import Calendar
from session_service.domain.learner import CalendarChange, Learner
from tests.session_service.domain.sessions import START, at

NEW = Learner(user_id=5)
SETTLED = Learner(
    user_id=5,
    last_seq=4,
    calendar=Calendar("Asia/Tokyo", 3),
    effective_at=START,
    signed_up_at=at(-1000),
)


def test_the_first_zone_is_the_first_change() -> None:
    assert NEW.change(START, time_zone="Asia/Tokyo") == CalendarChange(
        user_id=5, user_seq=1, effective_at=START, calendar=Calendar("Asia/Tokyo", 0)
    )


def test_a_change_takes_the_next_place_and_keeps_what_it_does_not_name() -> None:
    change = SETTLED.change(at(5), rollover_hour=4)
    assert change == CalendarChange(
        user_id=5,
        user_seq=5,
        effective_at=at(5),
        calendar=Calendar("Asia/Tokyo", 4),
        signed_up_at=at(-1000),
    )


def test_a_sign_up_that_becomes_known_is_a_change() -> None:
    change = replace(SETTLED, signed_up_at=None).change(at(5), signed_up_at=at(-7))
    assert change is not None
    assert (change.calendar, change.signed_up_at) == (Calendar("Asia/Tokyo", 3), at(-7))


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"time_zone": "Japan"},
        {"time_zone": "Asia/Tokyo"},
        {"rollover_hour": 3},
        {"time_zone": "Asia/Tokyo", "rollover_hour": 3},
        {"signed_up_at": at(-1000)},
    ],
    ids=repr,
)
def test_what_is_in_force_already_is_no_change(said: dict[str, object]) -> None:
    assert SETTLED.change(at(5), **said) is None  # type: ignore[arg-type]


def test_the_default_calendar_said_aloud_is_no_change() -> None:
    assert NEW.change(START, time_zone="UTC", rollover_hour=0) is None


def test_the_sign_up_that_was_told_first_stays() -> None:
    assert SETTLED.change(at(5), signed_up_at=at(-2)) is None
    moved = SETTLED.change(at(5), time_zone="Europe/Madrid", signed_up_at=at(-2))
    assert moved is not None
    assert moved.signed_up_at == at(-1000)


@pytest.mark.parametrize("seconds", [0, -3600])
def test_a_change_comes_after_the_one_before_it_whatever_the_clock_says(seconds: float) -> None:
    change = SETTLED.change(at(seconds), time_zone="Europe/Madrid")
    assert change is not None
    assert change.effective_at == START + timedelta(microseconds=1)
