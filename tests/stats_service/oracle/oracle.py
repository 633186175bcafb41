"""What docs/streaks.md says, date by date, without a thought for speed or for growing facts.

Every date is judged on its own from all the facts, then the dates are walked
one after another. Only the classes of facts are shared with the service.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from stats_service.domain.calendar import CalendarChange
from stats_service.domain.completion import ALL_PRODUCTS, Completion
from stats_service.domain.protection import (
    Entry,
    FreezeGranted,
    PauseCancelled,
    PlannedPause,
    Repaired,
    RestDays,
)
from tests.stats_service.oracle.wall_clock import WallCalendar, date_of, minutes_of, moved_wall

SHORTEST_DAY = 12 * 60
ONE_DAY = timedelta(days=1)

# The dates of a week or a month, in order.
Period = tuple[date, ...]


class PeriodAnswer(NamedTuple):
    """A week or month streak; `start` and `last` are first days of periods."""

    current: int
    best: int
    start: date | None
    last: date | None


class DayAnswer(NamedTuple):
    """A day streak."""

    current: int
    best: int
    start: date | None
    last: date | None
    held: int
    frozen: tuple[date, ...]


class Answer(NamedTuple):
    """The three streaks of a product on a date."""

    day: DayAnswer
    week: PeriodAnswer
    month: PeriodAnswer


class Oracle:
    """The rules, asked about one learner."""

    def __init__(
        self,
        facts: Iterable[Completion],
        changes: Iterable[CalendarChange],
        entries: Iterable[Entry],
        sign_up_time: datetime | None,
    ) -> None:
        completions = {fact.event_id: fact for fact in facts}.values()
        told = {entry.entry_id: entry for entry in entries}.values()
        self._counting = [fact for fact in completions if fact.counts]
        self._rest = [entry for entry in told if isinstance(entry, RestDays)]
        self._pauses = [entry for entry in told if isinstance(entry, PlannedPause)]
        self._cancelled = [entry for entry in told if isinstance(entry, PauseCancelled)]
        self._grants = [entry for entry in told if isinstance(entry, FreezeGranted)]
        self._repairs = {(entry.product, entry.day) for entry in told if isinstance(entry, Repaired)}

        # Of one instant, changes come before completions.
        seen = {
            (fact.end_time, 1, fact.event_id): WallCalendar(fact.time_zone, fact.rollover_hour)
            for fact in completions
        }
        for change in changes:
            seen[change.effective_time, 0, change.event_id] = WallCalendar(
                change.time_zone, change.rollover_hour
            )
        in_order = [(place[0], seen[place]) for place in sorted(seen)]
        signed_up_on = [date_of(sign_up_time, calendar) for calendar in seen.values()] if sign_up_time else []
        self._first_counted = min(signed_up_on, default=date.min)
        self._cut = _dates_cut(in_order)
        self._calendars = [(date_of(instant, calendar), calendar) for instant, calendar in in_order]
        self._kept_for_all: dict[date, bool] = {}

    def answer(self, product: str, on: date) -> Answer:
        """Returns the streaks of a product on a date."""
        practised = {
            fact.local_date
            for fact in self._counting
            if product in (ALL_PRODUCTS, fact.product)
            and (fact.synced or fact.local_date >= self._first_counted)
        }
        return Answer(
            self._days(product, practised, on),
            self._periods(product, practised, on, _week_of),
            self._periods(product, practised, on, _month_of),
        )

    def _days(self, product: str, practised: set[date], on: date) -> DayAnswer:
        grants = [grant for grant in self._grants if grant.product == product]
        if not practised:
            return DayAnswer(0, 0, None, None, _with_grants(0, grants, date.min, on), ())
        first, last = min(practised), max(practised)
        held = _with_grants(0, grants, date.min, first - ONE_DAY)
        current, best, start = 0, 0, None
        frozen = []
        for day in _dates(first, max(last, on - ONE_DAY)):
            held = _with_grants(held, grants, day, day)
            if day in practised:
                start = start if current else day
                current += 1
                best = max(best, current)
            elif self._is_kept(product, day):
                continue
            elif current and held:
                held -= 1
                frozen.append(day)
            else:
                current, start = 0, None
        if on > last:
            held = _with_grants(held, grants, on, on)
        return DayAnswer(current, best, start, last, held, tuple(frozen))

    def _periods(
        self, product: str, practised: set[date], on: date, period_of: Callable[[date], Period]
    ) -> PeriodAnswer:
        if not practised:
            return PeriodAnswer(0, 0, None, None)
        current, best, start, last = 0, 0, None, None
        period = period_of(min(practised))
        end = max(*practised, period_of(on)[0] - ONE_DAY)
        while period[0] <= end:
            if not practised.isdisjoint(period):
                last = period[0]
                start = start if current else last
                current += 1
                best = max(best, current)
            elif not all(self._is_kept(product, day) for day in period):
                current, start = 0, None
            period = period_of(period[-1] + ONE_DAY)
        return PeriodAnswer(current, best, start, last)

    def _is_kept(self, product: str, day: date) -> bool:
        """Tells whether rules 1 to 5 keep a missed date."""
        if (product, day) in self._repairs:
            return True
        known = self._kept_for_all.get(day)
        if known is None:
            known = self._kept_for_all[day] = (
                day in self._cut
                or self._is_rest_day(day)
                or any(self._covers(pause, day) for pause in self._pauses)
                or minutes_of(day, self._calendar_on(day)) < SHORTEST_DAY
            )
        return known

    def _is_rest_day(self, day: date) -> bool:
        said = [entry for entry in self._rest if entry.effective_date <= day]
        if not said:
            return False
        in_force = max(said, key=lambda entry: (entry.effective_date, entry.recorded_at, entry.entry_id))
        return day.weekday() in in_force.weekdays

    def _covers(self, pause: PlannedPause, day: date) -> bool:
        return pause.first <= day <= pause.last and not any(
            cancelled.pause_id == pause.entry_id and cancelled.from_date <= day
            for cancelled in self._cancelled
        )

    def _calendar_on(self, day: date) -> WallCalendar:
        for own_date, calendar in reversed(self._calendars):
            if own_date <= day:
                return calendar
        return self._calendars[0][1]


def _dates_cut(observations: list[tuple[datetime, WallCalendar]]) -> set[date]:
    cut: set[date] = set()
    for (_, earlier), (instant, later) in pairwise(observations):
        if earlier != later:
            before, after = moved_wall(instant, earlier), moved_wall(instant, later)
            if after > before:
                cut.update(_dates(before.date(), after.date()))
    return cut


def _with_grants(held: int, grants: list[FreezeGranted], first: date, last: date) -> int:
    """Returns the freezes held after those days, when none is used on them."""
    during = [grant for grant in grants if first <= grant.day <= last]
    for grant in sorted(during, key=lambda each: (each.day, each.recorded_at, each.entry_id)):
        if held < grant.held_at_most:
            held += 1
    return held


def _dates(first: date, last: date) -> list[date]:
    return [date.fromordinal(number) for number in range(first.toordinal(), last.toordinal() + 1)]


@lru_cache(maxsize=1 << 15)
def _week_of(day: date) -> Period:
    week = day.isocalendar()[:2]
    near = _dates(day - 6 * ONE_DAY, day + 6 * ONE_DAY)
    return tuple(other for other in near if other.isocalendar()[:2] == week)


@lru_cache(maxsize=1 << 15)
def _month_of(day: date) -> Period:
    near = _dates(day - 30 * ONE_DAY, day + 30 * ONE_DAY)
    return tuple(other for other in near if (other.year, other.month) == (day.year, day.month))
