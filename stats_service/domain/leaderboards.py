"""Leaderboards: when a board is open, when it is final, and who stands where.

A board is over everybody's own dates, so it runs for as long as its dates last
for anybody: from midnight at UTC plus 14 hours to 23 o'clock of the day after
at UTC minus 12, where a day may turn that late. Some hours of grace follow, in
which sessions that arrive late still count.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal

from stats_service.domain.periods import Period, PeriodKind

State = Literal["open", "closing", "final"]
Metric = Literal["seconds", "sessions"]

_DAY = timedelta(days=1)
_TO_EASTERNMOST = timedelta(hours=14)
_TO_WESTERNMOST = timedelta(hours=12)
_LATEST_TURN = timedelta(hours=23)
# How far the last person's day is behind UTC.
_BEHIND = _TO_WESTERNMOST + _LATEST_TURN


@dataclass(frozen=True, slots=True)
class Board:
    """One board: of a product, or of `all`, over a period."""

    product: str
    period: Period


@dataclass(frozen=True, slots=True)
class Score:
    """What a person has in a board. `seconds` is the time practised; `alias` is empty for none chosen."""

    user_id: int
    seconds: int
    sessions: int
    alias: str = ""

    def by(self, metric: Metric) -> int:
        """Returns the number that decides."""
        return self.seconds if metric == "seconds" else self.sessions


def has_begun(period: Period, now: datetime) -> bool:
    """Tells whether it is, or has been, a date of the period anywhere. No day begins before midnight."""
    return period.first <= (now.astimezone(UTC) + _TO_EASTERNMOST).date()


def closes_at(period: Period, grace: timedelta) -> datetime:
    """Returns the instant from which nothing more counts."""
    return datetime.combine(period.last, time(), UTC) + _DAY + _BEHIND + grace


def state_of(period: Period, now: datetime, closed_through: date | None) -> State:
    """Returns the state of a period that has begun.

    Final is what was closed, and not what should have been: until then it
    goes on counting.
    """
    if closed_through is not None and period.last <= closed_through:
        return "final"
    return "open" if _earliest_date(now) <= period.last else "closing"


def last_finished(kind: PeriodKind, now: datetime, grace: timedelta) -> Period:
    """Returns the newest period whose time to close has come."""
    running = Period.of(kind, _earliest_date(now - grace))
    finished = running.before()
    assert finished is not None, "the calendar began long ago"
    return finished


def next_to_close(finished: Period, practised: date | None) -> Period:
    """Returns the next period to close, which closes those before it too.

    `practised` is the first day with practice that is not closed: before it
    there is nothing to keep.
    """
    if practised is None or practised > finished.last:
        return finished
    return Period.of(finished.kind, practised)


def ranks(values: Sequence[int], *, ahead: int, better: int) -> Sequence[int]:
    """Returns the ranks of consecutive places of a board: 1, 2, 2, 4.

    `values` are in descending order; `ahead` counts everybody before the first
    of them, `better` those of them who have more.
    """
    told: list[int] = []
    for place, value in enumerate(values):
        if place == 0:
            told.append(better + 1)
        elif value == values[place - 1]:
            told.append(told[-1])
        else:
            told.append(ahead + place + 1)
    return told


def _earliest_date(now: datetime) -> date:
    """Returns the date of whoever's day turns last."""
    return (now.astimezone(UTC) - _BEHIND).date()
