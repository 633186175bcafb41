"""Why a streak is what it is: the walk of streaks.py, told day by day with what is behind each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Literal

from stats_service.domain.keeping import FREEZE
from stats_service.domain.known import Cause, Known
from stats_service.domain.streaks import (
    PeriodStreak,
    Run,
    day_runs,
    last_day_of,
    period_runs,
    streaks_of,
)

Cadence = Literal["day", "week", "month"]
Status = Literal["practised", "kept", "missed", "open"]
Verdict = Literal["broke", "practised", "kept", "no_streak", "not_over", "before_sign_up"]

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class ExplainedDay:
    """A day and what it was to a streak; `cause` is there for a day that is kept."""

    day: date
    status: Status
    cause: Cause | None = None


@dataclass(frozen=True, slots=True)
class _Days:
    """What days were to a person's streaks, told on a day; `frozen` are all that used a freeze."""

    known: Known
    practised: frozenset[date]
    frozen: Sequence[date]
    on: date

    @classmethod
    def of(cls, known: Known, practised: Sequence[date], runs: Sequence[Run], on: date) -> _Days:
        """Takes them from day streaks."""
        frozen = [kept.period for run in runs for kept in run.kept if kept.reason == FREEZE]
        return cls(known, frozenset(practised), frozen, on)

    def to_run(self, day: date, run: Run | None) -> ExplainedDay:
        """Returns what a day was to the day streak that had begun last."""
        reasons = {kept.period: kept.reason for kept in run.kept} if run else {}
        # Between days with practice a day is told even where it has not begun.
        told = day in reasons or (run is not None and run.ended_on == day)
        return self._explained(day, reasons.get(day), told=told or day < self.on)

    def to_period(self, day: date) -> ExplainedDay:
        """Returns what a day was to its week or month."""
        reason = self.known.keeping.reason(self.known.product, day)
        return self._explained(day, reason, told=day < self.on)

    def _explained(self, day: date, reason: str | None, *, told: bool) -> ExplainedDay:
        if day in self.practised:
            return ExplainedDay(day, "practised")
        if not told:
            return ExplainedDay(day, "open")
        if reason is None:
            return ExplainedDay(day, "missed")
        return ExplainedDay(day, "kept", self.known.cause(day, reason, self.frozen))


@dataclass(frozen=True)
class StreakExplanation:
    """A streak as told on a day, the run that it is about, the longest, and the days of its run.

    `run` is alive on the day, or ended last before it; None before the first
    practice. `span` are the first and the last day that it is told by. `held`
    are the freezes held on the day.
    """

    known: Known
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
            return [self._days.to_run(day, self.run) for day in days]
        return [self._days.to_period(day) for day in days]


def explain_streak(known: Known, cadence: Cadence, on: date, today: date) -> StreakExplanation:
    """Returns why the streak of a day, at the latest today, is what it is.

    Practice after a day of the past is left out. After today it is not: who
    flies west has practised on days that have not begun there.
    """
    if on < today:
        known = known.until(on)
    practised = known.practised
    days, held = day_runs(practised, known.keeping, known.product, on)
    told = streaks_of(known.days, known.keeping, known.product, on)
    streak: PeriodStreak = {"day": told.day, "week": told.week, "month": told.month}[cadence]
    runs = days if cadence == "day" else period_runs(cadence, practised, known.keeping, known.product, on)
    run = runs[-1] if runs else None
    return StreakExplanation(
        known=known,
        cadence=cadence,
        on=on,
        streak=streak,
        held=held,
        run=run,
        best=max(runs, key=lambda each: each.length, default=None),
        span=_span(cadence, run, on, practised[-1]) if run else None,
        _days=_Days.of(known, practised, days, on),
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

    known: Known
    day: date
    verdict: Verdict
    run: Run | None
    cause: Cause | None
    around: Sequence[ExplainedDay]


def explain_break(known: Known, day: date, today: date) -> BreakExplanation:
    """Returns what a day did to the day streak, as far as it is known."""
    practised = known.practised
    runs, _ = day_runs(practised, known.keeping, known.product, today)
    days = _Days.of(known, practised, runs, today)
    around = [days.to_run(each, _run_at(each, runs)) for each in (day - _DAY, day, day + _DAY)]
    run = _run_at(day, runs)
    return BreakExplanation(
        known=known,
        day=day,
        verdict=_verdict(known, around[1], run),
        run=run,
        cause=around[1].cause,
        around=around,
    )


def _run_at(day: date, runs: Sequence[Run]) -> Run | None:
    """Returns the last run that began until a day."""
    return next((run for run in reversed(runs) if run.first <= day), None)


def _verdict(known: Known, day: ExplainedDay, run: Run | None) -> Verdict:
    if day.status == "practised":
        return "practised"
    if day.status == "kept":
        return "kept"
    if run is not None and run.ended_on == day.day:
        return "broke"
    bound = known.keeping.first_day
    if bound is not None and day.day < bound:
        return "before_sign_up"
    return "not_over" if day.status == "open" else "no_streak"
