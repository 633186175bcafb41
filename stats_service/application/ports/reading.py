"""What the server reads: committed statistics."""

from __future__ import annotations

from collections.abc import Awaitable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal, Protocol, TypeVar, overload
from uuid import UUID

from stats_service.application.ports.badges import PublishedVersion
from stats_service.domain.badges import BadgeContent
from stats_service.domain.calendar import Calendar
from stats_service.domain.protection import Entry, StreakProtection
from stats_service.domain.standing import Standing, Tally
from stats_service.domain.summaries import DayTally, HourTally


@dataclass(frozen=True, slots=True)
class Learner:
    """What reads need to know of a learner: their calendar in force, and the highest n with 1..n applied.

    In force is what the latest of their facts and changes of calendar said.
    """

    calendar: Calendar
    applied_through: int


@dataclass(frozen=True, slots=True)
class Award:
    """A badge that a learner has: which version of it was met, by which session, and when that ended."""

    badge_id: str
    version: int
    session_id: int
    award_time: datetime


@dataclass(frozen=True, slots=True)
class AwardedBadge:
    """An award and what is shown of its badge."""

    award: Award
    badge: BadgeContent


FreezeEvent = Literal["granted", "bought", "used", "refunded"]


@dataclass(frozen=True, slots=True)
class FreezeChange:
    """Something that became of a freeze on a day.

    `place` is where it stands in the ledger; None for what is so today and has
    not been written there.
    """

    event: FreezeEvent
    product: str
    day: date
    recorded_at: datetime | None = None
    place: str | None = None


# The instant and the place of the last change of a page.
LedgerPlace = tuple[datetime, str]


A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")
D = TypeVar("D")
E = TypeVar("E")


class Reader(Protocol):
    """Reads committed statistics: as of now what is awaited, as of one moment what is read together."""

    @overload
    async def together(self, a: Awaitable[A], b: Awaitable[B], /) -> tuple[A, B]: ...
    @overload
    async def together(self, a: Awaitable[A], b: Awaitable[B], c: Awaitable[C], /) -> tuple[A, B, C]: ...
    @overload
    async def together(
        self, a: Awaitable[A], b: Awaitable[B], c: Awaitable[C], d: Awaitable[D], /
    ) -> tuple[A, B, C, D]: ...
    @overload
    async def together(
        self, a: Awaitable[A], b: Awaitable[B], c: Awaitable[C], d: Awaitable[D], e: Awaitable[E], /
    ) -> tuple[A, B, C, D, E]: ...
    async def together(self, *reads: Awaitable[object]) -> tuple[object, ...]:
        """Returns what some of this reader's reads, none awaited before, say as of one moment."""

    def learner(self, user_id: int) -> Awaitable[Learner]:
        """Returns what is known of a learner; nothing counted for one never heard of."""

    def applied_through(self, user_ids: Collection[int]) -> Awaitable[Mapping[int, int]]:
        """Returns how far the facts of learners are complete; nobody who was never heard of."""

    def protection(self, user_id: int) -> Awaitable[StreakProtection]:
        """Returns what keeps a learner's streaks."""

    def standing(self, user_id: int, product: str) -> Awaitable[Standing]:
        """Returns a learner's standing in a product; an empty one before the first session."""

    def days(
        self, user_id: int, product: str, first: date, last: date
    ) -> Awaitable[Sequence[tuple[date, Tally]]]:
        """Returns a learner's days with practice between two dates, both included, oldest first."""

    def awards(
        self, user_id: int, *, product: str = "", session_id: int = 0
    ) -> Awaitable[Sequence[AwardedBadge]]:
        """Returns a learner's badges, newest first; only those of a product or of a session when given."""

    def newest_badges(self) -> Awaitable[Sequence[PublishedVersion]]:
        """Returns the newest version of every badge, by id."""

    def applied(self, event_ids: Collection[UUID]) -> Awaitable[Collection[UUID]]:
        """Returns which of these events are facts."""

    def rejected(self, event_ids: Collection[UUID]) -> Awaitable[Mapping[UUID, str]]:
        """Returns which of these events were refused for good, and why."""

    def standings(self, user_id: int) -> Awaitable[Mapping[str, Standing]]:
        """Returns a learner's standing in every product practised, and in all."""

    def frozen(self, user_id: int, product: str) -> Awaitable[Sequence[date]]:
        """Returns the days on which freezes were used until the last practice, as the ledger has them."""

    def anybody_outdated(self) -> Awaitable[bool]:
        """Tells whether somebody's stored progress is outdated, as LearnerStore.outdated says it."""

    def entries(self, user_id: int) -> Awaitable[Sequence[Entry]]:
        """Returns everything recorded about a learner, in the order of its recording."""

    def ledger(
        self, user_id: int, product: str, *, after: LedgerPlace | None, limit: int
    ) -> Awaitable[Sequence[FreezeChange]]:
        """Returns what became of freezes, the newest first, after a place."""


class SummaryReader(Protocol):
    """Reads committed sums, for Reader.together too.

    Both ends of a span are included; the product may be `all`.
    """

    def days_by_product(
        self, user_id: int, product: str, first: date, last: date
    ) -> Awaitable[Sequence[DayTally]]:
        """Returns what a learner practised on each day in each product, in order."""

    def hours(self, user_id: int, product: str, first: date, last: date) -> Awaitable[Sequence[HourTally]]:
        """Returns what a learner practised on each weekday at each hour, in no order."""
