"""Streaks as told on a day, row by row and against plain sets of dates."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from random import Random
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stats_service.domain.calendar import Calendar
from stats_service.domain.completion import Completion
from stats_service.domain.facts import LearnerFacts
from stats_service.domain.protection import (
    FreezeGranted,
    KeepReason,
    ProtectedPeriod,
    RestDays,
    StreakProtection,
)
from stats_service.domain.streaks import (
    DayStreak,
    day_positions,
    day_runs,
    streaks,
    streaks_of,
    timeline,
)
from tests.stats_service.domain.plain import PRODUCTS, walk
from tests.stats_service.domain.strategies import FIRST_DAY, histories, persons
from tests.stats_service.facts import NOON, completion

TODAY = date(2026, 2, 18)
NOTHING = StreakProtection()


def days_ago(*numbers: int) -> list[date]:
    return [TODAY - timedelta(days=number) for number in numbers]


def streak(days: list[date], on: date = TODAY, protection: StreakProtection = NOTHING) -> DayStreak:
    return streaks_of(sorted(set(days)), protection, "focus", on).day


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
    told = streak(days, today)
    assert told.current == plain_current(set(days), today)
    assert told.best == plain_best(set(days))
    assert told.last == (max(days) if days else None)
    assert (told.start is None) == (told.current == 0)
    if told.start and told.last:
        assert (told.last - told.start).days + 1 == told.current
    assert (told.held, told.frozen) == (0, ())


@given(SPREAD)
def test_runs_are_in_order_apart_and_hold_exactly_the_days(days: list[date]) -> None:
    runs, _ = day_runs(sorted(set(days)), NOTHING, "focus", TODAY + timedelta(days=9))
    held = [run.first + timedelta(days=number) for run in runs for number in range(run.length)]
    assert held == sorted(set(days))
    assert all(run.ended_on == run.last + timedelta(days=1) for run in runs)


@given(histories(), persons(), st.randoms(use_true_random=False))
def test_the_order_and_number_of_facts_does_not_matter(
    facts: list[Completion], learner: LearnerFacts, random: Random
) -> None:
    shuffled, entries = [*facts, *facts], [*learner.entries, *learner.entries]
    random.shuffle(shuffled)
    random.shuffle(entries)
    changes = [*learner.changes, *learner.changes][::-1]
    on = date(2026, 4, 5)
    assert streaks(shuffled, changes, entries, learner.sign_up_time, product="all", on=on) == streaks(
        facts, learner.changes, learner.entries, learner.sign_up_time, product="all", on=on
    )


@given(histories(), persons(), st.sampled_from([*PRODUCTS, "all"]))
def test_lengths_by_day_equal_a_walk_from_day_to_day(
    facts: list[Completion], learner: LearnerFacts, product: str
) -> None:
    days = sorted({fact.local_date for fact in facts if fact.counts and product in (fact.product, "all")})
    synced = [(fact.product, fact.local_date) for fact in facts if fact.counts and fact.synced]
    protection = StreakProtection.of(
        timeline(facts, learner.changes), learner.entries, learner.sign_up_time, synced
    )
    walked = walk(facts, learner, product)
    if days:
        lengths = [walked.positions.get(day, 0) for day in days]
        assert day_positions(days, protection, product) == lengths
    told = streaks_of(days, protection, product, FIRST_DAY).day
    assert told.best == max(walked.positions.values(), default=0)
    assert list(told.frozen) == walked.frozen
    assert told.last == max(walked.positions, default=None)


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
    assert streak([*before, *new], today).current == current


def test_a_run_is_alive_until_a_whole_day_was_missed() -> None:
    days = days_ago(2, 1, 0)
    assert streak(days).current == 3
    assert streak(days, TODAY + timedelta(days=1)).current == 3
    gone = streak(days, TODAY + timedelta(days=2))
    assert (gone.current, gone.best, gone.start, gone.last) == (0, 3, None, TODAY)


def test_a_late_day_joins_the_runs_on_both_sides() -> None:
    days = days_ago(5, 4, 2, 1)
    assert streak(days).best == 2
    joined = streak([*days, *days_ago(3)])
    assert (joined.start, joined.last) == (TODAY - timedelta(days=5), TODAY - timedelta(days=1))
    assert joined.current == joined.best == 5


def test_a_streak_crosses_leap_day_and_new_year() -> None:
    assert streak([date(2028, 2, 28), date(2028, 2, 29), date(2028, 3, 1)]).best == 3
    assert streak([date(2026, 12, 31), date(2027, 1, 1)]).best == 2
    assert streak([date(2027, 2, 28), date(2027, 3, 1)]).best == 2


def test_a_run_that_reaches_tomorrow_is_alive_for_who_flew_west_over_the_date_line() -> None:
    assert streak([TODAY, TODAY + timedelta(days=1)]).current == 2


def test_a_flight_east_over_the_date_line_repeats_a_day_and_keeps_the_streak() -> None:
    auckland, los_angeles = ZoneInfo("Pacific/Auckland"), ZoneInfo("America/Los_Angeles")
    at = [
        datetime(2026, 2, 18, 9, tzinfo=auckland),
        datetime(2026, 2, 19, 9, tzinfo=auckland),
        # Lands before it took off.
        datetime(2026, 2, 19, 8, tzinfo=los_angeles),
        datetime(2026, 2, 20, 8, tzinfo=los_angeles),
    ]
    facts = [
        completion(end_time=when.astimezone(UTC), local_date=when.date(), time_zone=str(when.tzinfo))
        for when in at
    ]
    on = Calendar("America/Los_Angeles").day_of(at[-1])
    told = streaks(facts, (), (), None, product="focus", on=on).day
    assert (told.current, told.best) == (3, 3)


def test_a_freeze_is_used_on_the_first_missed_day_that_nothing_else_keeps() -> None:
    day = date(2026, 2, 2)
    entries = [
        RestDays(entry_id=uuid4(), recorded_at=NOON, effective_date=day, weekdays=frozenset({1})),
        FreezeGranted(entry_id=uuid4(), recorded_at=NOON, product="focus", day=day),
    ]
    protection = StreakProtection.of((), entries)
    # A Monday and a Thursday: Tuesday is a rest day, Wednesday is frozen.
    (run,), held = day_runs([day, day + timedelta(days=3)], protection, "focus", day + timedelta(days=3))
    assert run.protected == (
        ProtectedPeriod(day + timedelta(days=1), KeepReason.REST, entries[0]),
        ProtectedPeriod(day + timedelta(days=2), KeepReason.FREEZE, entries[1]),
    )
    assert (run.length, held) == (2, 0)
    told = streak([day, day + timedelta(days=3)], day + timedelta(days=5), protection)
    assert (told.current, told.best) == (0, 2)
