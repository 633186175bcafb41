"""Streaks: what practised days add up to, as docs/streaks.md has it.

A streak is walked from gap to gap: consecutive days join by themselves, and
only the days of a gap are looked at, one by one, until one of them ends the
streak. What is current depends on the day it is asked for, so it is told at
read time and never stored.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal

from stats_service.domain.calendar import Calendar, CalendarChange
from stats_service.domain.completion import ALL_PRODUCTS, Completion
from stats_service.domain.keeping import FREEZE, Entry, FreezeGranted, Keeping, Timeline

# Of docs/streaks.md; one more with every change of what a day is to a streak.
RULES_VERSION = 3
Cadence = Literal["week", "month"]

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Kept:
    """A period without practice that kept a streak, and why. A day's period is the day."""

    period: date
    reason: str


@dataclass(frozen=True, slots=True)
class Run:
    """A streak from its first practised period to its last; `ended_on` is the missed one that ended it."""

    first: date
    last: date
    length: int
    kept: tuple[Kept, ...] = ()
    ended_on: date | None = None


@dataclass(frozen=True, slots=True)
class PeriodStreak:
    """A streak as told on a day. `start` is None while none is alive, `last` before the first practice."""

    current: int
    best: int
    start: date | None
    last: date | None


@dataclass(frozen=True, slots=True)
class DayStreak(PeriodStreak):
    """A day streak, with the freezes `held` then and the days that one was used on."""

    held: int = 0
    frozen: tuple[date, ...] = ()


@dataclass(frozen=True, slots=True)
class Streaks:
    """A person's streaks in a product, in every cadence."""

    day: DayStreak
    week: PeriodStreak
    month: PeriodStreak


def streaks(
    facts: Iterable[Completion],
    changes: Iterable[CalendarChange],
    entries: Iterable[Entry],
    sign_up_time: datetime | None,
    *,
    product: str,
    on: date,
) -> Streaks:
    """Returns the streaks that facts make, whatever their order and multiplicity."""
    known = list(facts)
    counting = [fact for fact in known if fact.counts]
    synced = [(fact.product, fact.local_date) for fact in counting if fact.synced]
    keeping = Keeping.of(timeline(known, changes), entries, sign_up_time, synced)
    days = {fact.local_date for fact in counting if product in (fact.product, ALL_PRODUCTS)}
    return streaks_of(sorted(days), keeping, product, on)


def timeline(facts: Iterable[Completion], changes: Iterable[CalendarChange]) -> Timeline:
    """Returns the calendars that facts tell, in order: by instant, changes before completions, by id."""
    told = {(fact.end_time, 1, fact.event_id, _calendar_of(fact)) for fact in facts}
    told |= {(change.effective_time, 0, change.event_id, _calendar_of(change)) for change in changes}
    return [(instant, calendar) for instant, _, _, calendar in sorted(told, key=lambda each: each[:3])]


def _calendar_of(fact: Completion | CalendarChange) -> Calendar:
    return Calendar(fact.time_zone, fact.rollover_hour)


def streaks_of(days: Sequence[date], keeping: Keeping, product: str, on: date) -> Streaks:
    """Returns the streaks of days with practice, in order, as told on a day."""
    days = streak_days(days, keeping, product)
    return Streaks(
        day=_day_streak(days, keeping, product, on),
        week=_period_streak("week", days, keeping, product, on),
        month=_period_streak("month", days, keeping, product, on),
    )


def day_positions(days: Sequence[date], keeping: Keeping, product: str) -> Sequence[int]:
    """Returns for each day with practice, in order, how long the streak is on it; 0 where it is in none."""
    practised = streak_days(days, keeping, product)
    runs, _ = day_runs(practised, keeping, product, days[-1])
    lengths = (length for run in runs for length in range(1, run.length + 1))
    length_on = dict(zip(practised, lengths, strict=True))
    return [length_on.get(day, 0) for day in days]


def streak_days(days: Sequence[date], keeping: Keeping, product: str) -> Sequence[date]:
    """Returns those of a product's days, in order, that are practice of a streak.

    Before the sign-up only those are that have a synced session.
    """
    if keeping.first_day is None:
        return days
    place = bisect_left(days, keeping.first_day)
    early = keeping.early.get(product, frozenset())
    return [*(day for day in days[:place] if day in early), *days[place:]]


def day_runs(days: Sequence[date], keeping: Keeping, product: str, on: date) -> tuple[Sequence[Run], int]:
    """Returns every day streak until a day, oldest first, and the freezes held then."""
    freezes = _Freezes(keeping.grants.get(product, ()))

    def judge(day: date) -> str | None:
        freezes.credit(day)
        return keeping.reason(product, day) or (FREEZE if freezes.use() else None)

    runs = _walk(days, _day_after, on, judge)
    freezes.credit(max(on, days[-1]) if days else on)
    return runs, freezes.held


def period_runs(
    cadence: Cadence, days: Sequence[date], keeping: Keeping, product: str, on: date
) -> Sequence[Run]:
    """Returns every week or month streak until a day, oldest first, in first days of periods."""
    first_of, following = _CADENCES[cadence]

    def judge(period: date) -> str | None:
        reason = None
        for number in range((following(period) - period).days):
            reason = keeping.reason(product, period + _DAY * number)
            if reason is None:
                return None
        return reason

    periods = sorted({first_of(day) for day in days})
    return _walk(periods, following, first_of(on), judge)


def last_day_of(cadence: Cadence, period: date) -> date:
    """Returns the last day of a week or a month that begins on a day."""
    return _CADENCES[cadence][1](period) - _DAY


class _Freezes:
    """The freezes of one streak, as days go by."""

    def __init__(self, grants: Sequence[FreezeGranted]) -> None:
        self.held = 0
        self._grants = grants
        self._taken = 0

    def credit(self, day: date) -> None:
        """Takes what was granted up to a day."""
        while self._taken < len(self._grants) and self._grants[self._taken].day <= day:
            self.held = self._grants[self._taken].added_to(self.held)
            self._taken += 1

    def use(self) -> bool:
        """Uses one if any is held."""
        used = self.held > 0
        self.held -= used
        return used


def _walk(
    periods: Sequence[date],
    following: Callable[[date], date],
    current: date,
    judge: Callable[[date], str | None],
) -> Sequence[Run]:
    """Returns the runs that practised periods make, the last one followed up to the current period.

    `judge` is asked for each missed period of a streak, in order, and says why
    it is kept.
    """
    runs: list[Run] = []
    first, length, kept = date.min, 0, list[Kept]()
    for period, until in zip(periods, (*periods[1:], current), strict=False):
        first = first if length else period
        length += 1
        missed = following(period)
        while missed < until:
            reason = judge(missed)
            if reason is None:
                runs.append(Run(first, period, length, tuple(kept), missed))
                length, kept = 0, []
                break
            kept.append(Kept(missed, reason))
            missed = following(missed)
        else:
            if period == periods[-1]:
                runs.append(Run(first, period, length, tuple(kept), None))
    return runs


def _day_streak(days: Sequence[date], keeping: Keeping, product: str, on: date) -> DayStreak:
    runs, held = day_runs(days, keeping, product, on)
    told = _told(runs)
    frozen = tuple(kept.period for run in runs for kept in run.kept if kept.reason == FREEZE)
    return DayStreak(told.current, told.best, told.start, told.last, held, frozen)


def _period_streak(
    cadence: Cadence, days: Sequence[date], keeping: Keeping, product: str, on: date
) -> PeriodStreak:
    return _told(period_runs(cadence, days, keeping, product, on))


def _told(runs: Sequence[Run]) -> PeriodStreak:
    if not runs:
        return PeriodStreak(0, 0, None, None)
    latest, best = runs[-1], max(run.length for run in runs)
    if latest.ended_on is not None:
        return PeriodStreak(0, best, None, latest.last)
    return PeriodStreak(latest.length, best, latest.first, latest.last)


def _day_after(day: date) -> date:
    return day + _DAY


def _monday_of(day: date) -> date:
    return day - _DAY * day.weekday()


def _week_after(monday: date) -> date:
    return monday + 7 * _DAY


def _first_of_month(day: date) -> date:
    return day.replace(day=1)


def _month_after(first: date) -> date:
    return (first + 31 * _DAY).replace(day=1)


_CADENCES: Mapping[Cadence, tuple[Callable[[date], date], Callable[[date], date]]] = {
    "week": (_monday_of, _week_after),
    "month": (_first_of_month, _month_after),
}
