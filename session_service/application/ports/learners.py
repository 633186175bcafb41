"""Users as the service knows them: their calendars and event sequences."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from session_service.domain.days import Calendar, RolloverTurn
from session_service.domain.learner import CalendarChange, Learner


@dataclass(frozen=True, slots=True)
class LearnerMark:
    """How far a user's events are, and the calendar in force.

    `last_seq` grows with the end of each session and with each change of the
    calendar, in its transaction.
    """

    last_seq: int
    calendar: Calendar

    def calendar_in(self, time_zone: str | None) -> Calendar:
        """Returns the calendar in a zone that a call says, None for the one in force."""
        return self.calendar if time_zone is None else replace(self.calendar, time_zone=time_zone)


class Learners(Protocol):
    """What the service remembers of a user: their calendar and their event sequence."""

    async def calendar(self, user_id: int) -> Calendar:
        """Returns the zone and rollover hour in force."""

    async def next_seq(self, user_id: int) -> tuple[int, Calendar]:
        """Returns the next place in the user's event sequence and the calendar in force.

        Locks the user's row, so the order of commits equals that of the numbers.
        """

    async def take_seqs(self, user_id: int, count: int) -> None:
        """Takes the next `count` places in a locked user's event sequence."""

    async def find(self, user_id: int) -> Learner:
        """Returns what is known of a user, nothing but the default calendar of one never seen."""

    async def lock(self, user_id: int) -> Learner:
        """Returns what is known of a user, locked until the commit."""

    async def rollover_turns(self, user_id: int) -> Sequence[RolloverTurn]:
        """Returns since when the user's days turn at which hour, the first first."""

    async def put_in_force(self, change: CalendarChange) -> CalendarChange:
        """Stores a locked user's change with its place in the sequence, and returns it numbered."""


class CalendarReaders(Protocol):
    """Reads of how users' days run; each sees one consistent moment."""

    async def learner(self, user_id: int, changes: int) -> tuple[Learner, Sequence[CalendarChange]]:
        """Returns what is known of a user and their newest changes of calendar, newest first."""

    def changes(self, user_id: int) -> AsyncIterator[CalendarChange]:
        """Yields every change that is an event, the first first; of one user unless `user_id` is 0."""
