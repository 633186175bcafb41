"""Streaks: what practised days add up to, as docs/streaks.md has it.

A streak is walked from gap to gap: consecutive days join by themselves, and
only the days of a gap are looked at, one by one, until one of them ends the
streak. What is current depends on the day it is asked for, so it is told at
read time and never stored.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from uuid import UUID

from stats_service.domain.calendar import Calendar, CalendarChange, Timeline, timeline_of
from stats_service.domain.completion import ALL_PRODUCTS, Completion
from stats_service.domain.periods import Cadence, Period
from stats_service.domain.protection import (
    Entry,
    FreezeGranted,
    KeepReason,
    ProtectedPeriod,
    StreakProtection,
)

# Of docs/streaks.md; one more with every change of what a day is to a streak.
RULES_VERSION = 3

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Run:
    """A streak from its first practised period to its last; `ended_on` is the missed one that ended it."""

    first: date
    last: date
    length: int
    protected: tuple[ProtectedPeriod, ...] = ()
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
    """A learner's streaks in a product, in every cadence."""

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
    protection = StreakProtection.of(timeline(known, changes), entries, sign_up_time, synced)
    days = {fact.local_date for fact in counting if product in (fact.product, ALL_PRODUCTS)}
    return streaks_of(sorted(days), protection, product, on)


def timeline(facts: Iterable[Completion], changes: Iterable[CalendarChange]) -> Timeline:
    """Returns the calendars that facts say were in force, in order, whatever their order and multiplicity."""
    return timeline_of(
        _in_order((each.effective_time, each.event_id, each.calendar) for each in changes),
        _in_order(
            (each.end_time, each.event_id, Calendar(each.time_zone, each.rollover_hour)) for each in facts
        ),
    )


def _in_order(told: Iterable[tuple[datetime, UUID, Calendar]]) -> Sequence[tuple[datetime, Calendar]]:
    """Returns calendars by instant and by the id of what told of them, each once."""
    return [(instant, calendar) for instant, _, calendar in sorted(set(told), key=lambda each: each[:2])]


def streaks_of(days: Sequence[date], protection: StreakProtection, product: str, on: date) -> Streaks:
    """Returns the streaks of days with practice, in order, as told on a day."""
    days = streak_days(days, protection, product)
    return Streaks(
        day=summarize_days(*day_runs(days, protection, product, on)),
        week=summarize(period_runs("week", days, protection, product, on)),
        month=summarize(period_runs("month", days, protection, product, on)),
    )


def day_positions(days: Sequence[date], protection: StreakProtection, product: str) -> Sequence[int]:
    """Returns for each day with practice, in order, how long the streak is on it; 0 where it is in none."""
    practised = streak_days(days, protection, product)
    runs, _ = day_runs(practised, protection, product, days[-1])
    lengths = (length for run in runs for length in range(1, run.length + 1))
    length_on = dict(zip(practised, lengths, strict=True))
    return [length_on.get(day, 0) for day in days]


def streak_days(days: Sequence[date], protection: StreakProtection, product: str) -> Sequence[date]:
    """Returns those of a product's days, in order, that are practice of a streak.

    Before the sign-up only those are that have a synced session.
    """
    if protection.first_day is None:
        return days
    place = bisect_left(days, protection.first_day)
    early = protection.early.get(product, frozenset())
    return [*(day for day in days[:place] if day in early), *days[place:]]


def day_runs(
    days: Sequence[date], protection: StreakProtection, product: str, on: date
) -> tuple[Sequence[Run], int]:
    """Returns every day streak until a day, oldest first, and the freezes held then."""
    freezes = _Freezes(protection.grants.get(product, ()))

    def judge(day: date) -> ProtectedPeriod | None:
        freezes.credit(day)
        return protection.keep(product, day) or freezes.use(day)

    runs = _walk(days, _day_after, on, judge)
    freezes.credit(max(on, days[-1]) if days else on)
    return runs, freezes.held


def period_runs(
    cadence: Cadence, days: Sequence[date], protection: StreakProtection, product: str, on: date
) -> Sequence[Run]:
    """Returns every week or month streak until a day, oldest first, in first days of periods."""

    def first_of(day: date) -> date:
        return Period.of(cadence, day).first

    def following(period: date) -> date:
        return Period.of(cadence, period).last + _DAY

    def judge(period: date) -> ProtectedPeriod | None:
        kept = None
        for number in range((following(period) - period).days):
            kept = protection.keep(product, period + _DAY * number)
            if kept is None:
                return None
        return replace(kept, period=period) if kept else None

    periods = sorted({first_of(day) for day in days})
    return _walk(periods, following, first_of(on), judge)


def last_day_of(cadence: Cadence, period: date) -> date:
    """Returns the last day of a week or a month that begins on a day."""
    return Period.of(cadence, period).last


class _Freezes:
    """The freezes of one streak, as days go by; of those held, the one that was granted first is used."""

    def __init__(self, grants: Sequence[FreezeGranted]) -> None:
        self._grants = grants
        self._taken = 0
        self._held: list[FreezeGranted] = []

    @property
    def held(self) -> int:
        """How many there are."""
        return len(self._held)

    def credit(self, day: date) -> None:
        """Takes what was granted up to a day."""
        while self._taken < len(self._grants) and self._grants[self._taken].day <= day:
            granted = self._grants[self._taken]
            self._held = [*self._held, granted][: granted.added_to(len(self._held))]
            self._taken += 1

    def use(self, day: date) -> ProtectedPeriod | None:
        """Uses one for a day if any is held."""
        return ProtectedPeriod(day, KeepReason.FREEZE, self._held.pop(0)) if self._held else None


def _walk(
    periods: Sequence[date],
    following: Callable[[date], date],
    current: date,
    judge: Callable[[date], ProtectedPeriod | None],
) -> Sequence[Run]:
    """Returns the runs that practised periods make, the last one followed up to the current period.

    `judge` is asked for each missed period of a streak, in order, and says why
    it is kept, if it is.
    """
    runs: list[Run] = []
    first, length, kept = date.min, 0, list[ProtectedPeriod]()
    for period, until in zip(periods, (*periods[1:], current), strict=False):
        first = first if length else period
        length += 1
        missed = following(period)
        while missed < until:
            protected = judge(missed)
            if protected is None:
                runs.append(Run(first, period, length, tuple(kept), missed))
                length, kept = 0, []
                break
            kept.append(protected)
            missed = following(missed)
        else:
            if period == periods[-1]:
                runs.append(Run(first, period, length, tuple(kept), None))
    return runs


def frozen_days(runs: Iterable[Run]) -> Sequence[date]:
    """Returns the days that used a freeze in day streaks."""
    return [kept.period for run in runs for kept in run.protected if kept.reason == KeepReason.FREEZE]


def summarize_days(runs: Sequence[Run], held: int) -> DayStreak:
    """Returns the day streak that day_runs make."""
    streak = summarize(runs)
    return DayStreak(streak.current, streak.best, streak.start, streak.last, held, tuple(frozen_days(runs)))


def summarize(runs: Sequence[Run]) -> PeriodStreak:
    """Returns the streak that runs make."""
    if not runs:
        return PeriodStreak(0, 0, None, None)
    latest, best = runs[-1], max(run.length for run in runs)
    if latest.ended_on is not None:
        return PeriodStreak(0, best, None, latest.last)
    return PeriodStreak(latest.length, best, latest.first, latest.last)


def _day_after(day: date) -> date:
    return day + _DAY
