"""Explains a day and a streak by the practice of a learner as of an instant."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Literal

from stats_service.domain.calendar import Calendar, Timeline
from stats_service.domain.periods import Cadence
from stats_service.domain.protection import (
    Entry,
    ProductDay,
    ProtectedPeriod,
    StreakProtection,
    in_record_order,
)
from stats_service.domain.streaks import (
    PeriodStreak,
    Run,
    day_runs,
    last_day_of,
    period_runs,
    streak_days,
    summarize,
    summarize_days,
)

Status = Literal["practised", "kept", "missed", "open"]
Verdict = Literal["broke", "practised", "kept", "no_streak", "not_over", "before_sign_up"]

_DAY = timedelta(days=1)


@dataclass(frozen=True)
class PracticeAsOf:
    """What is known of a learner's practice of a product.

    `days` have practice that counts, in order; `synced` are the days of what
    was synced of it; `unanswered` are days of sessions that count for nothing
    because nothing was answered.
    """

    product: str
    days: Sequence[date] = ()
    timeline: Timeline = ()
    entries: Sequence[Entry] = ()
    sign_up_time: datetime | None = None
    synced: Sequence[ProductDay] = ()
    unanswered: Sequence[date] = ()

    @cached_property
    def recorded(self) -> Sequence[Entry]:
        """The entries as they were recorded, each once."""
        return in_record_order(self.entries)

    @cached_property
    def protection(self) -> StreakProtection:
        """What keeps the learner's streaks."""
        return StreakProtection.of(self.timeline, self.recorded, self.sign_up_time, self.synced)

    @cached_property
    def practised(self) -> Sequence[date]:
        """The days that are practice of a streak."""
        return streak_days(self.days, self.protection, self.product)

    @cached_property
    def left_out(self) -> Sequence[date]:
        """The days with practice that counts, and is from before the sign-up and in no streak."""
        return sorted(set(self.days).difference(self.practised))

    @cached_property
    def idle(self) -> Sequence[date]:
        """The days on which sessions ended and nothing was practised."""
        return sorted(set(self.unanswered).difference(self.days))

    def until(self, day: date) -> PracticeAsOf:
        """Returns what is known of the practice up to a day."""
        return replace(
            self,
            days=[each for each in self.days if each <= day],
            unanswered=[each for each in self.unanswered if each <= day],
        )

    @property
    def calendar(self) -> Calendar:
        """The calendar in force last."""
        return self.timeline[-1][1] if self.timeline else Calendar()

    def calendars_between(self, first: date, last: date) -> Timeline:
        """Returns the calendar in force on `first` and those that followed until `last`, with instants."""
        upto = [told for told in self.timeline if told[1].day_of(told[0]) <= last]
        begun = [place for place, (instant, each) in enumerate(upto) if each.day_of(instant) <= first]
        return upto[begun[-1] if begun else 0 :] or self.timeline[:1]


LeftOut = Literal["abandoned", "outcome", "unanswered"]
# How a completed session ended that does not count, in words.
UNANSWERED = "completed without an answer"


@dataclass(frozen=True, slots=True)
class SessionAsOf:
    """What was told of a session, and when it was received. Instants are UTC."""

    session_id: int
    product: str
    outcome: str
    counts: bool
    start_time: datetime
    end_time: datetime
    time_zone: str
    rollover_hour: int
    local_date: date
    elapsed_seconds: int
    implausible: bool
    synced: bool
    received_at: datetime


def left_out(outcome: str) -> LeftOut:
    """Returns why a session that ended like this, and does not count, is in no total.

    A completed one counts in every product, unless nothing was answered in it.
    """
    if outcome == "completed":
        return "unanswered"
    return "abandoned" if outcome == "abandoned" else "outcome"


def ending(outcome: str) -> str:
    """Returns how a session ended that does not count, in words."""
    return UNANSWERED if outcome == "completed" else outcome


@dataclass(frozen=True, slots=True)
class ExplainedDay:
    """A day and what it was to a streak; `cause` is there for a day that is kept."""

    day: date
    status: Status
    cause: ProtectedPeriod | None = None


@dataclass(frozen=True, slots=True)
class _Days:
    """What days were to a learner's streaks, told on a day."""

    practice: PracticeAsOf
    practised: frozenset[date]
    on: date

    def in_run(self, day: date, run: Run | None) -> ExplainedDay:
        """Returns what a day was to the day streak that had begun last."""
        kept = next((each for each in run.protected if each.period == day), None) if run else None
        # Between days with practice a day is told even where it has not begun.
        told = kept is not None or (run is not None and run.ended_on == day)
        return self._explained(day, kept, told=told or day < self.on)

    def in_period(self, day: date) -> ExplainedDay:
        """Returns what a day was to its week or month."""
        return self._explained(
            day, self.practice.protection.keep(self.practice.product, day), told=day < self.on
        )

    def _explained(self, day: date, kept: ProtectedPeriod | None, *, told: bool) -> ExplainedDay:
        if day in self.practised:
            return ExplainedDay(day, "practised")
        if not told:
            return ExplainedDay(day, "open")
        return ExplainedDay(day, "kept" if kept else "missed", kept)


@dataclass(frozen=True)
class StreakExplanation:
    """A streak as told on a day, the run that it is about, the longest, and the days of its run.

    `run` is alive on the day, or ended last before it; None before the first
    practice. `span` are the first and the last day that it is told by. `held`
    are the freezes held on the day.
    """

    practice: PracticeAsOf
    cadence: Cadence
    on: date
    streak: PeriodStreak
    held: int
    run: Run | None
    best: Run | None
    span: tuple[date, date] | None
    _days: _Days = field(repr=False)

    def days(self, first: date, most: int) -> Sequence[ExplainedDay]:
        """Returns at most so many days of the span, from a day on."""
        if self.span is None:
            return []
        begin = max(first, self.span[0])
        count = min(most, (self.span[1] - begin).days + 1)
        days = (begin + _DAY * number for number in range(count))
        if self.cadence == "day":
            return [self._days.in_run(day, self.run) for day in days]
        return [self._days.in_period(day) for day in days]


def explain_streak(practice: PracticeAsOf, cadence: Cadence, on: date, today: date) -> StreakExplanation:
    """Returns why the streak of a day, at the latest today, is what it is.

    Practice after a day of the past is left out. After today it is not: who
    flies west has practised on days that have not begun there.
    """
    if on < today:
        practice = practice.until(on)
    practised = practice.practised
    days, held = day_runs(practised, practice.protection, practice.product, on)
    runs: Sequence[Run] = days
    streak: PeriodStreak = summarize_days(days, held)
    if cadence != "day":
        runs = period_runs(cadence, practised, practice.protection, practice.product, on)
        streak = summarize(runs)
    run = runs[-1] if runs else None
    return StreakExplanation(
        practice=practice,
        cadence=cadence,
        on=on,
        streak=streak,
        held=held,
        run=run,
        best=max(runs, key=lambda each: each.length, default=None),
        span=_span(cadence, run, on, practised[-1]) if run else None,
        _days=_Days(practice, frozenset(practised), on),
    )


def _span(cadence: Cadence, run: Run, on: date, newest: date) -> tuple[date, date]:
    if run.ended_on is None:
        return run.first, max(on, newest)
    return run.first, run.ended_on if cadence == "day" else last_day_of(cadence, run.ended_on)


@dataclass(frozen=True)
class BreakExplanation:
    """What a day was to the day streak.

    `run` is the streak that the day ended or is in, or else the last one that
    ended before it, None when none did. `around` are the day before, the day
    and the day after.
    """

    practice: PracticeAsOf
    day: date
    verdict: Verdict
    run: Run | None
    cause: ProtectedPeriod | None
    around: Sequence[ExplainedDay]


def explain_break(practice: PracticeAsOf, day: date, today: date) -> BreakExplanation:
    """Returns what a day did to the day streak, as far as it is known."""
    practised = practice.practised
    runs, _ = day_runs(practised, practice.protection, practice.product, today)
    days = _Days(practice, frozenset(practised), today)
    around = [days.in_run(each, _run_at(each, runs)) for each in (day - _DAY, day, day + _DAY)]
    run = _run_at(day, runs)
    return BreakExplanation(
        practice=practice,
        day=day,
        verdict=_verdict(practice, around[1], run),
        run=run,
        cause=around[1].cause,
        around=around,
    )


def _run_at(day: date, runs: Sequence[Run]) -> Run | None:
    """Returns the last run that began until a day."""
    return next((run for run in reversed(runs) if run.first <= day), None)


def _verdict(practice: PracticeAsOf, day: ExplainedDay, run: Run | None) -> Verdict:
    if day.status == "practised":
        return "practised"
    if day.status == "kept":
        return "kept"
    if run is not None and run.ended_on == day.day:
        return "broke"
    bound = practice.protection.first_day
    if bound is not None and day.day < bound:
        return "before_sign_up"
    return "not_over" if day.status == "open" else "no_streak"
