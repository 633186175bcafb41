"""Day streaks, row by row and against plain sets of dates."""

from __future__ import annotations

from datetime import date, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stats_service.domain.streaks import DaySet, Run

TODAY = date(2026, 2, 18)


def days_ago(*numbers: int) -> list[date]:
    return [TODAY - timedelta(days=number) for number in numbers]


def day_set(days: list[date]) -> DaySet:
    result = DaySet()
    for day in days:
        result = result.with_day(day)
    return result


def plain_current(days: set[date], today: date) -> int:
    """Counts back day by day from the last one, if it reaches yesterday."""
    if not days or max(days) < today - timedelta(days=1):
        return 0
    length, day = 0, max(days)
    while day in days:
        length, day = length + 1, day - timedelta(days=1)
    return length


def plain_best(days: set[date]) -> int:
    """Starts a count at every day without a day before it."""
    best = 0
    for first in days:
        length = 0
        while first + timedelta(days=length) in days:
            length += 1
        best = max(best, length)
    return best


SPREAD = st.lists(st.integers(0, 40).map(lambda number: TODAY - timedelta(days=number)), max_size=60)


@given(SPREAD, st.integers(-3, 45))
def test_streaks_equal_a_count_over_plain_dates(days: list[date], shift: int) -> None:
    today = TODAY - timedelta(days=shift)
    streak = day_set(days).streak(today)
    assert streak.current == plain_current(set(days), today)
    assert streak.best == plain_best(set(days))
    assert streak.last == (max(days) if days else None)
    assert (streak.start is None) == (streak.current == 0)
    if streak.start and streak.last:
        assert (streak.last - streak.start).days + 1 == streak.current


@given(SPREAD, st.randoms(use_true_random=False))
def test_the_order_of_days_does_not_matter(days: list[date], random: Random) -> None:
    shuffled = [*days, *days]
    random.shuffle(shuffled)
    assert day_set(shuffled) == day_set(days)


@given(SPREAD)
def test_runs_are_in_order_apart_and_hold_exactly_the_days(days: list[date]) -> None:
    result = day_set(days)
    held = [run.first + timedelta(days=number) for run in result.runs for number in range(run.length)]
    assert held == sorted(set(days))
    assert all(
        later.first - earlier.last > timedelta(days=1)
        for earlier, later in zip(result.runs, result.runs[1:], strict=False)
    )
    assert result.count == len(set(days))
    assert DaySet.of_runs(result.runs) == result


@pytest.mark.parametrize(
    ("before", "new", "today", "current"),
    [
        # Session completed on a new consecutive day: streak + 1.
        (days_ago(3, 2, 1), days_ago(0), TODAY, 4),
        # Session completed on the same day as the last session: unchanged.
        (days_ago(2, 1, 0), days_ago(0), TODAY, 3),
        # Gap of more than one day since the last session: starts again at 1.
        (days_ago(4, 3, 2), days_ago(0), TODAY, 1),
        # The very first session.
        ([], days_ago(0), TODAY, 1),
    ],
    ids=["new consecutive day", "same day", "gap", "first"],
)
def test_the_focus_documents_table(before: list[date], new: list[date], today: date, current: int) -> None:
    assert day_set([*before, *new]).streak(today).current == current


def test_a_run_is_alive_until_a_whole_day_was_missed() -> None:
    days = day_set(days_ago(2, 1, 0))
    assert days.streak(TODAY).current == 3
    assert days.streak(TODAY + timedelta(days=1)).current == 3
    gone = days.streak(TODAY + timedelta(days=2))
    assert (gone.current, gone.best, gone.start, gone.last) == (0, 3, None, TODAY)


def test_a_late_day_joins_the_runs_on_both_sides() -> None:
    days = day_set(days_ago(5, 4, 2, 1))
    assert days.best == 2
    joined = days.with_day(TODAY - timedelta(days=3))
    assert joined.runs == (Run(TODAY - timedelta(days=5), TODAY - timedelta(days=1)),)
    assert joined.streak(TODAY).current == joined.best == 5


def test_a_streak_crosses_leap_day_and_new_year() -> None:
    leap = [date(2028, 2, 28), date(2028, 2, 29), date(2028, 3, 1)]
    assert day_set(leap).best == 3
    assert day_set([date(2026, 12, 31), date(2027, 1, 1)]).best == 2
    assert day_set([date(2027, 2, 28), date(2027, 3, 1)]).best == 2


def test_a_run_that_reaches_tomorrow_is_alive_for_who_flew_west_over_the_date_line() -> None:
    assert day_set([TODAY, TODAY + timedelta(days=1)]).streak(TODAY).current == 2
