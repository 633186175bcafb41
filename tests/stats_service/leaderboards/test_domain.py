"""Who stands where, and when a board is over."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from stats_service.domain.calendar import Calendar
from stats_service.domain.periods import Cadence, Period
from stats_service.leaderboards.domain import (
    closes_at,
    has_begun,
    last_finished,
    next_to_close,
    ranks,
    state_of,
)

KINDS = st.sampled_from(("day", "week", "month"))
INSTANTS = st.integers(0, 10 * 366 * 86_400).map(
    lambda seconds: datetime(2019, 12, 1, tzinfo=UTC) + timedelta(seconds=seconds)
)
ZONES = st.sampled_from(("Etc/GMT+12", "Pacific/Pago_Pago", "UTC", "Asia/Tokyo", "Pacific/Kiritimati"))
GRACE = timedelta(hours=12)


def test_equal_scores_share_a_rank_and_the_next_one_is_left_empty() -> None:
    assert ranks([50, 40, 40, 30], ahead=0, better=0) == [1, 2, 2, 4]


@given(values=st.lists(st.integers(0, 5), max_size=30), size=st.integers(1, 7))
def test_ranks_are_one_more_than_those_who_have_more_whatever_the_pages(values: list[int], size: int) -> None:
    values.sort(reverse=True)
    told = []
    for ahead in range(0, len(values), size):
        page = values[ahead : ahead + size]
        told += ranks(page, ahead=ahead, better=sum(value > page[0] for value in values))
    assert told == [1 + sum(other > value for other in values) for value in values]


@given(instant=INSTANTS, zone=ZONES, rollover_hour=st.integers(0, 23), kind=KINDS)
@example(datetime(2027, 1, 1, 10, 59, 59, tzinfo=UTC), "Etc/GMT+12", 23, "day")
@example(datetime(2027, 1, 4, 10, 59, 59, tzinfo=UTC), "Etc/GMT+12", 23, "week")
@example(datetime(2024, 2, 29, 10, tzinfo=UTC), "Pacific/Kiritimati", 0, "month")
def test_a_board_is_open_for_whoever_is_in_its_period(
    instant: datetime, zone: str, rollover_hour: int, kind: Cadence
) -> None:
    period = Period.of(kind, Calendar(zone, rollover_hour).day_of(instant))
    assert has_begun(period, instant)
    assert state_of(period, instant, None) == "open"
    assert closes_at(period, timedelta()) > instant
    assert last_finished(kind, instant, timedelta()).last < period.first


def test_no_board_stays_open_longer_than_the_last_persons_day_does() -> None:
    last_moment = datetime(2026, 11, 24, 10, 59, 59, 999999, tzinfo=UTC)
    last_persons = Calendar("Etc/GMT+12", 23)
    sunday = Period.of("day", date(2026, 11, 22))
    assert last_persons.day_of(last_moment) == sunday.last
    assert closes_at(sunday, timedelta()) == last_moment + timedelta(microseconds=1)


@pytest.mark.parametrize(
    ("now", "begun", "state"),
    [
        ("2026-11-15T09:59:59", False, "open"),
        # Midnight of Monday on Kiritimati.
        ("2026-11-15T10:00:00", True, "open"),
        # A second before Sunday is over at UTC minus 12 for whoever's day turns at 23 o'clock.
        ("2026-11-24T10:59:59", True, "open"),
        ("2026-11-24T11:00:00", True, "closing"),
        ("2026-11-24T23:00:00", True, "closing"),
        ("2026-11-30T00:00:00", True, "closing"),
    ],
)
def test_a_week_runs_from_the_first_zone_to_the_last(now: str, begun: bool, state: str) -> None:
    week = Period.of("week", date(2026, 11, 18))
    instant = datetime.fromisoformat(now).replace(tzinfo=UTC)
    assert has_begun(week, instant) == begun
    assert state_of(week, instant, None) == state
    assert state_of(week, instant, date(2026, 11, 22)) == "final"
    assert state_of(week, instant, date(2026, 11, 15)) == state


def test_it_closes_some_hours_after_the_last_persons_day() -> None:
    leap = Period.of("month", date(2028, 2, 3))
    assert closes_at(leap, GRACE) == datetime(2028, 3, 2, 23, tzinfo=UTC)
    assert closes_at(leap, timedelta()) == datetime(2028, 3, 2, 11, tzinfo=UTC)


@given(now=INSTANTS, kind=KINDS, hours=st.integers(0, 100))
@example(datetime(2027, 1, 5, 22, 59, 59, tzinfo=UTC), "week", 12)
@example(datetime(2027, 1, 5, 23, tzinfo=UTC), "week", 12)
def test_the_last_finished_period_has_closed_and_the_next_has_not(
    now: datetime, kind: Cadence, hours: int
) -> None:
    grace = timedelta(hours=hours)
    finished = last_finished(kind, now, grace)
    following = Period.of(kind, finished.last + timedelta(days=1))
    assert closes_at(finished, grace) <= now < closes_at(following, grace)


def test_periods_without_practice_are_closed_with_the_next_that_has_some() -> None:
    finished = Period.of("day", date(2026, 11, 19))
    assert next_to_close(finished, None) == finished
    assert next_to_close(finished, date(2026, 11, 20)) == finished
    assert next_to_close(finished, date(2026, 11, 3)) == Period.of("day", date(2026, 11, 3))
    month = Period.of("month", date(2026, 10, 1))
    assert next_to_close(month, date(2026, 8, 20)) == Period.of("month", date(2026, 8, 1))
