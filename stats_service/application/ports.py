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

from stats_service.domain.badges import BadgeBook, BadgeContent
from stats_service.domain.calendar import Calendar, CalendarChange
from stats_service.domain.completion import Completion
from stats_service.domain.conditions import Condition
from stats_service.domain.derivation import Derived, Person
from stats_service.domain.facts import Facts
from stats_service.domain.keeping import Keeping
from stats_service.domain.standing import Standing, Tally

Clock = Callable[[], datetime]

# Returns the condition that a text says. Raises ConditionError for one that says none.
CompileCondition = Callable[[str], Condition]

# A product and a day.
DayKey = tuple[str, date]


class RefusedError(Exception):
    """The store will never take what was to be written; the message says why."""


@dataclass(frozen=True, slots=True)
class Rejection:
    """An event refused for good. Ids are None when not even they could be read.

    Of an erased person nothing is kept but that the event is settled.
    """

    event_id: UUID | None
    reason: str
    payload: bytes
    user_id: int | None = None


@dataclass(frozen=True, slots=True)
class Difference:
    """A row of derived progress that is not what the facts say: as it is, and as it should be."""

    user_id: int
    table: str
    stored: Mapping[str, object] | None
    derived: Mapping[str, object] | None


class LearnerWork(Protocol):
    """One transaction on some people, whose rows it holds locked.

    Leaving it without a commit undoes everything. Any method raises
    UnavailableError when the database is in the way and the same work may
    succeed later, RefusedError when it never will.
    """

    @property
    def outdated(self) -> bool:
        """Whether stored progress of any of them was made, or changed, otherwise than it would be now."""

    def add(self, facts: Sequence[Completion]) -> set[UUID]:
        """Stores facts; returns the ids of those that were not there. Skips one that clashes with another."""

    def find(self, event_ids: Collection[UUID]) -> Mapping[UUID, Completion]:
        """Returns the facts stored under these ids, whoever's they are."""

    def add_changes(self, changes: Sequence[CalendarChange]) -> set[UUID]:
        """Stores changes of calendar as `add` does facts."""

    def find_changes(self, event_ids: Collection[UUID]) -> Mapping[UUID, CalendarChange]:
        """Returns the changes of calendar stored under these ids, whoever's they are."""

    def correct(self, facts: Sequence[Completion], changes: Sequence[CalendarChange]) -> None:
        """Makes what is stored under the ids of these say what they do.

        Raises RefusedError when another fact is in the way.
        """

    def facts(self) -> Facts:
        """Returns every completion of these people."""

    def people(self) -> Mapping[int, Person]:
        """Returns their other facts; nobody who has none."""

    def book(self) -> BadgeBook:
        """Returns the badge book, which does not change until the transaction ends."""

    def save(self, facts: Facts, derived: Derived, days: Collection[DayKey] | None = None) -> int:
        """Makes stored progress the derived one; returns how many rows changed.

        With `days`, no other product's day can have changed. Writes also how
        far facts are complete, and what became of freezes.
        """

    def commit(self) -> None:
        """Makes the work durable."""


class LearnerStore(Protocol):
    """Where people's facts and progress are."""

    def work_on(self, user_ids: Collection[int]) -> AbstractContextManager[LearnerWork]:
        """Starts a transaction on people, waiting for any other on the same ones."""

    def outdated(self, after_user_id: int, limit: int) -> Sequence[int]:
        """Returns people whose progress was made otherwise than it would be now, by number."""

    def reject(self, rejections: Sequence[Rejection]) -> None:
        """Records refused events. Idempotent."""


@dataclass(frozen=True, slots=True)
class Learner:
    """What reads need to know of a person: their calendar in force, and the highest n with 1..n applied.

    In force is what the latest of their facts and changes of calendar said.
    """

    calendar: Calendar
    applied_through: int


@dataclass(frozen=True, slots=True)
class Award:
    """A badge that a person has: which version of it was met, by which session, and when that ended."""

    badge_id: str
    version: int
    session_id: int
    award_time: datetime


@dataclass(frozen=True, slots=True)
class AwardedBadge:
    """An award and what is shown of its badge."""

    award: Award
    badge: BadgeContent


class Reader(Protocol):
    """Reads committed statistics."""

    async def learner(self, user_id: int) -> Learner:
        """Returns what is known of a person; nothing counted for one never heard of."""

    async def keeping(self, user_id: int) -> Keeping:
        """Returns what keeps a person's streaks."""

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

    async def ever_active(self) -> Collection[str]:
        """Returns the badges of which some version could be earned."""

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
