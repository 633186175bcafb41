"""Day streaks: a set of a person's own days, kept as runs of consecutive dates.

Days arrive in any order: a day that fills a gap joins the runs on both sides
of it. What is current depends on the day it is asked for, so it is told at
read time and never stored. Every day is a date frozen in its fact; nothing
here knows of instants or zones.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, order=True)
class Run:
    """Consecutive days, both ends included."""

    first: date
    last: date

    @property
    def length(self) -> int:
        """How many days it has."""
        return (self.last - self.first).days + 1


@dataclass(frozen=True, slots=True)
class Streak:
    """A streak as told on a day. `start` is None while no run is alive, `last` before the first day."""

    current: int
    best: int
    start: date | None
    last: date | None


@dataclass(frozen=True, slots=True)
class DaySet:
    """A set of days: runs in order, apart by at least a day; how many days; the longest run's length."""

    runs: tuple[Run, ...] = ()
    count: int = 0
    best: int = 0

    @classmethod
    def of_runs(cls, runs: Iterable[Run]) -> DaySet:
        """Returns the set that these runs, in order and apart, make."""
        ordered = tuple(runs)
        lengths = [run.length for run in ordered]
        return cls(ordered, sum(lengths), max(lengths, default=0))

    def with_day(self, day: date) -> DaySet:
        """Returns the set with a day in it; itself when it had it."""
        runs = self.runs
        at = bisect_right(runs, day, key=lambda run: run.first)
        before = runs[at - 1] if at else None
        if before is not None and day <= before.last:
            return self
        after = runs[at] if at < len(runs) else None
        first = last = day
        start, stop = at, at
        if before is not None and before.last + _DAY == day:
            first, start = before.first, at - 1
        if after is not None and after.first - _DAY == day:
            last, stop = after.last, at + 1
        joined = Run(first, last)
        return DaySet((*runs[:start], joined, *runs[stop:]), self.count + 1, max(self.best, joined.length))

    def streak(self, today: date) -> Streak:
        """Returns the streak as of a day: a run is alive when it reaches that day or the one before.

        A run that reaches beyond it is alive too: who flew west over the date
        line has practised on a day that has not begun where they are now.
        """
        if not self.runs:
            return Streak(0, 0, None, None)
        latest = self.runs[-1]
        if latest.last < today - _DAY:
            return Streak(0, self.best, None, latest.last)
        return Streak(latest.length, self.best, latest.first, latest.last)
