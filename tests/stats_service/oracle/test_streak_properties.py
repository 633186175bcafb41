"""What must hold of the service's streaks whatever the rules say of a day.

`make test-long` looks at twenty times as many histories.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from stats_service.domain.calendar import CalendarChange
from stats_service.domain.completion import ALL_PRODUCTS
from stats_service.domain.protection import FreezeGranted
from tests.stats_service.oracle.comparing import served
from tests.stats_service.oracle.draft import Dice
from tests.stats_service.oracle.histories import History, history
from tests.stats_service.oracle.ingredients import PLACES
from tests.stats_service.oracle.oracle import Answer
from tests.stats_service.oracle.wall_clock import WallCalendar, date_of, minutes_of

ONE_DAY = timedelta(days=1)
# No made-up fact has it.
NEW_ID = UUID(int=2**128 - 1)


@pytest.fixture(params=[1, pytest.param(20, marks=pytest.mark.long)], ids=["few", "many"])
def times(request: pytest.FixtureRequest) -> int:
    """How many times as many histories as the suite has time for are looked at."""
    return int(request.param)


def stories(property_name: str, number: int) -> Iterator[tuple[History, Dice]]:
    """Yields histories that the comparison does not see, each with dice of its own."""
    first = 10**9
    for seed in range(first, first + number):
        yield history(seed), Dice(f"{property_name} {seed}")


def observations(story: History) -> list[tuple[datetime, WallCalendar]]:
    """Returns the instants at which a calendar was told, in order."""
    told: list[tuple[Any, ...]] = [
        (fact.end_time, 1, fact.event_id, fact.time_zone, fact.rollover_hour) for fact in story.facts
    ]
    told += [
        (each.effective_time, 0, each.event_id, each.time_zone, each.rollover_hour) for each in story.changes
    ]
    return [(instant, WallCalendar(*calendar)) for instant, _, _, *calendar in sorted(set(told))]


def practised_days(story: History) -> set[date]:
    return {fact.local_date for fact in story.facts if fact.counts}


def test_the_order_and_multiplicity_of_facts_do_not_matter(times: int) -> None:
    for story, dice in stories("order", 400 * times):
        shuffled = replace(
            story,
            facts=[*story.facts, *story.facts[:3]],
            changes=[*story.changes, *story.changes],
            entries=[*story.entries, *story.entries],
        )
        kinds: list[list[Any]] = [shuffled.facts, shuffled.changes, shuffled.entries]
        for items in kinds:
            dice.shuffle(items)
        assert served(shuffled, story.product) == served(story, story.product)


def test_a_turn_of_the_calendar_alone_never_ends_a_day_streak(times: int) -> None:
    """By rule 3: alive on the date before the turn is alive on the date after it.

    The dates are those of the turn's instant in the calendar before it, the
    latest one told, and in the one after it. Weeks and months have no such
    promise: the rest of a period is cut off with the days.
    """
    alive = 0
    for story, dice in stories("turn", 1_200 * times):
        known = observations(story)
        if not known:
            continue
        latest, before = known[-1]
        instant = latest + timedelta(minutes=dice.between(1, 3_000))
        after = WallCalendar(dice.pick(PLACES), before.rollover if dice.chance(0.5) else dice.below(24))
        turn = CalendarChange(
            event_id=NEW_ID,
            user_id=1,
            user_seq=1,
            effective_time=instant,
            time_zone=after.zone,
            rollover_hour=after.rollover,
        )
        old = served(replace(story, on=date_of(instant, before)), ALL_PRODUCTS).day
        if not old.current:
            continue
        alive += 1
        on = date_of(instant, after)
        new = served(replace(story, on=on, changes=[*story.changes, turn]), ALL_PRODUCTS).day
        assert new.current
        if on >= max(practised_days(story)):
            assert new.current >= old.current
            assert new.best >= old.best
    assert alive > 200 * times


def test_a_streak_that_ended_stays_so_until_something_is_practised(times: int) -> None:
    for story, dice in stories("later", 400 * times):
        now = served(story, story.product)
        later = served(replace(story, on=story.on + dice.below(70) * ONE_DAY), story.product)
        for cadence in Answer._fields:
            one, other = getattr(now, cadence), getattr(later, cadence)
            assert other.current in (0, one.current)
            assert other.best == one.best
            assert other.last == one.last
        assert later.day.frozen[: len(now.day.frozen)] == now.day.frozen


def test_a_day_more_never_lowers_the_best_streak_of_who_has_no_freezes(times: int) -> None:
    """A completion told by the calendar in force, so that it makes no turn.

    With freezes the best day streak may fall: see `test_freezes_by_hand`.
    """
    grew = 0
    for story, dice in stories("more", 800 * times):
        if not story.facts:
            continue
        known, fact = observations(story), dice.pick(story.facts)
        end_time = fact.end_time + timedelta(minutes=dice.between(-4_000, 4_000), microseconds=7)
        calendar = next((each for instant, each in reversed(known) if instant < end_time), known[0][1])
        added = replace(
            fact,
            event_id=NEW_ID,
            end_time=end_time,
            time_zone=calendar.zone,
            rollover_hour=calendar.rollover,
            local_date=date_of(end_time, calendar),
            counts=True,
        )
        old = served(story, fact.product)
        new = served(replace(story, facts=[*story.facts, added]), fact.product)
        grew += new.day.best > old.day.best
        assert new.week.best >= old.week.best
        assert new.month.best >= old.month.best
        if not any(
            isinstance(entry, FreezeGranted) and entry.product == fact.product for entry in story.entries
        ):
            assert new.day.best >= old.day.best
    assert grew > 50 * times


def test_with_default_settings_a_streak_is_the_run_that_reaches_today_or_yesterday(times: int) -> None:
    plain = 0
    for story, _ in stories("plain", 1_200 * times):
        calendars = {calendar for _, calendar in observations(story)}
        if len(calendars) > 1 or story.entries or story.sign_up_time:
            continue
        days = practised_days(story)
        lived = [date.fromordinal(day) for day in _span(days)]
        if any(minutes_of(day, calendar) < 12 * 60 for calendar in calendars for day in lived):
            continue
        plain += 1
        day = max(days, default=date.min)
        current = 0
        while current < len(days) and day in days and max(days) >= story.on - ONE_DAY:
            current, day = current + 1, day - ONE_DAY
        assert served(story, ALL_PRODUCTS).day.current == current
    assert plain > 20 * times


def test_no_streak_of_what_was_made_online_is_longer_than_the_days_since_sign_up(times: int) -> None:
    for drawn, _ in stories("sign-up", 400 * times):
        story = replace(drawn, facts=[replace(fact, synced=False) for fact in drawn.facts])
        days = practised_days(story)
        if story.sign_up_time and days:
            first = min(date_of(story.sign_up_time, calendar) for _, calendar in observations(story))
            assert served(story, ALL_PRODUCTS).day.best <= max(0, (max(days) - first).days + 1)


def test_when_all_of_it_was_synced_the_sign_up_makes_no_difference(times: int) -> None:
    for drawn, _ in stories("synced", 200 * times):
        story = replace(drawn, facts=[replace(fact, synced=True) for fact in drawn.facts])
        never_told = replace(story, sign_up_time=None)
        assert served(story, story.product) == served(never_told, story.product)


def _span(days: set[date]) -> range:
    return range(min(days).toordinal(), max(days).toordinal() + 2) if days else range(0)
