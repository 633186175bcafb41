"""Queries on a learner's progress: figures, streak, days of a month."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from service_kit.call import Call
from session_service.application.ports.clock import Clock
from session_service.application.ports.readers import Readers
from session_service.application.ports.sessions import Summary
from session_service.application.ports.statistics import DayOfPractice, Statistics, Streak


@dataclass(frozen=True, slots=True)
class Month:
    """A month by its first day, and its days with practice, oldest first."""

    first: date
    days: Sequence[DayOfPractice]


class GetMonth:
    """Reads the caller's days of practice once statistics include their last ended session.

    Waits under a second for that; later than this, the days are those known
    so far. Raises UnavailableError.
    """

    def __init__(self, readers: Readers, statistics: Statistics, clock: Clock) -> None:
        self._readers = readers
        self._statistics = statistics
        self._clock = clock

    async def __call__(self, call: Call, product: str, day: date | None = None) -> Month:
        """Returns the month a day is in, without one the user's present month in their own zone."""
        mark = await self._readers.learner_mark(call.user_id)
        day = day or mark.calendar_in(call.time_zone).local_date(self._clock())
        first, last = day.replace(day=1), day.replace(day=monthrange(day.year, day.month)[1])
        days = await self._statistics.days(call.user_id, product, first, last, user_seq=mark.last_seq)
        return Month(first, days)


class GetStreak:
    """Reads the caller's streak in a product once statistics include their last ended session.

    Waits under a second for that; later than this, the streak is the one
    known so far. Raises UnavailableError.
    """

    def __init__(self, readers: Readers, statistics: Statistics) -> None:
        self._readers = readers
        self._statistics = statistics

    async def __call__(self, call: Call, product: str) -> Streak:
        """Returns the streak."""
        mark = await self._readers.learner_mark(call.user_id)
        return await self._statistics.streak(call.user_id, product, user_seq=mark.last_seq)


class GetSummary:
    """Reads figures over the caller's sessions, the last commit included."""

    def __init__(self, readers: Readers) -> None:
        self._readers = readers

    async def __call__(self, call: Call, product: str) -> Summary:
        """Returns the figures."""
        return await self._readers.summary(call.user_id, product)
