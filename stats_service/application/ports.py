"""What the use cases need from the outside.

The worker is synchronous and writes; the gRPC server is asynchronous and
reads, except for badge definitions, which it writes.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol
from uuid import UUID

from stats_service.domain.badges import Award, BadgeBook, BadgeContent
from stats_service.domain.calendar import Calendar, CalendarChange
from stats_service.domain.completion import Completion
from stats_service.domain.progress import DayKey, Progress
from stats_service.domain.standing import Standing, Tally

Clock = Callable[[], datetime]


class RefusedError(Exception):
    """The store will never take what was to be written; the message says why."""


@dataclass(frozen=True, slots=True)
class Rejection:
    """An event refused for good. `event_id` is None when not even that could be read."""

    event_id: UUID | None
    reason: str
    payload: bytes


class LearnerWork(Protocol):
    """One transaction on one person, whose row it holds locked.

    Leaving it without a commit undoes everything. Any method raises
    UnavailableError when the database is in the way and the same work may
    succeed later, RefusedError when it never will.
    """

    @property
    def book_revision(self) -> int:
        """The badge book's revision that the stored progress was made with."""

    def add(self, facts: Sequence[Completion]) -> set[UUID]:
        """Stores facts; returns the ids of those that were not there. Skips one that clashes with another."""

    def find(self, event_ids: Collection[UUID]) -> Mapping[UUID, Completion]:
        """Returns the facts stored under these ids, whoever's they are."""

    def facts(self) -> Sequence[Completion]:
        """Returns every fact of the person."""

    def book(self) -> BadgeBook:
        """Returns the badge book, which does not change until the transaction ends."""

    def progress(self, days: Collection[DayKey] | None = None) -> Progress:
        """Returns the stored progress with these days only, or with all."""

    def save(self, before: Progress, after: Progress, book_revision: int) -> None:
        """Writes what differs between the stored progress and a new one, and how far facts are complete."""

    def add_changes(self, changes: Sequence[CalendarChange]) -> set[UUID]:
        """Stores changes of calendar as `add` does facts."""

    def find_changes(self, event_ids: Collection[UUID]) -> Mapping[UUID, CalendarChange]:
        """Returns the changes of calendar stored under these ids, whoever's they are."""

    def advance(self) -> None:
        """Writes how far facts are complete."""

    def commit(self) -> None:
        """Makes the work durable."""


class LearnerStore(Protocol):
    """Where people's facts and progress are."""

    def work_on(self, user_id: int) -> AbstractContextManager[LearnerWork]:
        """Starts a transaction on a person, waiting for any other on the same one."""

    def outdated(self, after_user_id: int, limit: int) -> Sequence[int]:
        """Returns people whose progress was made with an older badge book, by number."""

    def reject(self, rejections: Sequence[Rejection]) -> None:
        """Records refused events. Idempotent."""


@dataclass(frozen=True, slots=True)
class Person:
    """What reads need to know of a person: their calendar in force, and the highest n with 1..n applied.

    In force is what the latest of their facts and changes of calendar said.
    """

    calendar: Calendar
    applied_through: int


@dataclass(frozen=True, slots=True)
class AwardedBadge:
    """An award and what is shown of its badge."""

    award: Award
    badge: BadgeContent


class Reader(Protocol):
    """Reads committed statistics; every method is one statement."""

    async def person(self, user_id: int) -> Person:
        """Returns what is known of a person; nothing counted for one never heard of."""

    async def standing(self, user_id: int, product: str) -> Standing:
        """Returns a person's standing in a product; an empty one before the first session."""

    async def days(self, user_id: int, product: str, first: date, last: date) -> Sequence[tuple[date, Tally]]:
        """Returns a person's days with practice between two dates, both included, oldest first."""

    async def awards(self, user_id: int, *, product: str = "", session_id: int = 0) -> Sequence[AwardedBadge]:
        """Returns a person's badges, newest first; only those of a product or of a session when given."""

    async def applied(self, event_ids: Collection[UUID]) -> Collection[UUID]:
        """Returns which of these events are facts."""

    async def rejected(self, event_ids: Collection[UUID]) -> Mapping[UUID, str]:
        """Returns which of these events were refused for good, and why."""


class BadgeShelf(Protocol):
    """One transaction on the badge definitions; no completion is applied while it lasts."""

    async def newest(self) -> Mapping[str, tuple[int, BadgeContent]]:
        """Returns the newest version of every badge."""

    async def publish(self, badges: Sequence[tuple[int, BadgeContent]]) -> None:
        """Stores new versions, which replace the ones before as of now and make a new revision."""

    async def anybody_outdated(self) -> bool:
        """Tells whether the progress of some person was made with an older book."""

    async def commit(self) -> None:
        """Makes the work durable."""


OpenBadgeShelf = Callable[[], AbstractAsyncContextManager[BadgeShelf]]


class BackfillQueue(Protocol):
    """Where backfills are asked for."""

    async def request(self) -> None:
        """Asks for a backfill of badges. Raises UnavailableError when the queue does not answer."""
