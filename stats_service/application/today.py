"""Tells a learner's own day, once what the caller wrote is counted."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import TypeVar

from cachetools import LRUCache

from service_kit.errors import InvalidArgumentError
from stats_service.application.freshness import Waiting
from stats_service.application.ports.clock import Clock
from stats_service.application.ports.reading import Learner, Reader
from stats_service.domain.calendar import Calendar
from stats_service.domain.protection import CalendarTransition


@dataclass(frozen=True, slots=True)
class Now:
    """A learner's own day, and whether the completion that was waited for is still not counted.

    `applied_through` is how far their events are counted.
    `transition` is the change of calendar that the zone of the call makes, for
    as long as it has not arrived; from and to the same one otherwise.
    """

    today: date
    pending: bool
    transition: CalendarTransition
    applied_through: int


Span = TypeVar("Span")
Found = TypeVar("Found")


# Of somebody forgotten more is read once.
_REMEMBERED = 10_000


class Today:
    """Tells which day it is for a learner, once what they wait for is counted."""

    def __init__(self, reader: Reader, waiting: Waiting, clock: Clock) -> None:
        self._reader = reader
        self._waiting = waiting
        self._clock = clock
        self._seen: LRUCache[int, Calendar] = LRUCache(_REMEMBERED)

    async def along(
        self,
        user_id: int,
        min_user_seq: int,
        time_zone: str | None,
        *,
        span_of: Callable[[date], Span],
        read: Callable[[Span], Awaitable[Found]],
    ) -> tuple[Now, Span, Found]:
        """Returns the day, the span that belongs to it and what is read of that, all as of one moment.

        Which day it is, the learner says, who is read along. So what is read is guessed, by the calendar
        that was seen last, and read again where the learner's day has another span.
        """
        await self.wait(user_id, min_user_seq)
        likely = in_zone(self._seen.get(user_id, Calendar()), time_zone)
        span = span_of(likely.day_of(self._clock()))
        while True:
            learner, found = await self._reader.together(self._reader.learner(user_id), read(span))
            self._seen[user_id] = learner.calendar
            now = self.of(learner, min_user_seq, time_zone)
            told = span_of(now.today)
            if told == span:
                return now, span, found
            span = told

    async def wait(self, user_id: int, min_user_seq: int) -> None:
        """Waits, for a bounded time, until a completion is counted; for none when the number is 0."""
        if min_user_seq:
            await self._waiting.wait(user_id, min_user_seq)

    def possible(self) -> tuple[date, date]:
        """Returns the first and the last day that it may be for somebody who is not read yet."""
        return possible_days(self._clock())

    def of(self, learner: Learner, min_user_seq: int, time_zone: str | None) -> Now:
        """Returns the day of a learner who was read, in `time_zone`, or else in their last known one."""
        now = self._clock()
        calendar = in_zone(learner.calendar, time_zone)
        transition = CalendarTransition(now, learner.calendar, calendar)
        pending = is_pending(learner, min_user_seq)
        return Now(calendar.day_of(now), pending, transition, learner.applied_through)


_FARTHEST = timedelta(days=3)


def possible_days(now: datetime) -> tuple[date, date]:
    """Returns the first and the last day that some learner's calendar, whichever it is, may say it is."""
    here = now.astimezone(UTC).date()
    return here - _FARTHEST, here + _FARTHEST


def is_pending(learner: Learner, user_seq: int) -> bool:
    """Tells whether the fact of this number, or one before it, is not counted."""
    return learner.applied_through < user_seq


def day_of(learner: Learner, instant: datetime, time_zone: str | None) -> date:
    """Returns the day of an instant in `time_zone`, or else in the learner's last known one."""
    return in_zone(learner.calendar, time_zone).day_of(instant)


def in_zone(calendar: Calendar, time_zone: str | None) -> Calendar:
    """Returns a calendar in a zone that a call says, None for its own."""
    return replace(calendar, time_zone=time_zone or calendar.time_zone)


def invalid_span(message: str) -> InvalidArgumentError:
    """Returns the error for a span that ends too early or too late."""
    return InvalidArgumentError(message, reason="FIELD_INVALID", field="to_date")
