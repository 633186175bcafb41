"""What the server reads: committed statistics."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal, Protocol
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


class Reader(Protocol):
    """Reads committed statistics, each method as of now."""

    def at_one_moment(self) -> AbstractAsyncContextManager[Reader]:
        """Opens a reader, with one connection, all of whose answers are as of one moment."""

    async def learner(self, user_id: int) -> Learner:
        """Returns what is known of a learner; nothing counted for one never heard of."""

    async def applied_through(self, user_ids: Collection[int]) -> Mapping[int, int]:
        """Returns how far the facts of learners are complete; nobody who was never heard of."""

    async def protection(self, user_id: int) -> StreakProtection:
        """Returns what keeps a learner's streaks."""

    async def standing(self, user_id: int, product: str) -> Standing:
        """Returns a learner's standing in a product; an empty one before the first session."""

    async def days(self, user_id: int, product: str, first: date, last: date) -> Sequence[tuple[date, Tally]]:
        """Returns a learner's days with practice between two dates, both included, oldest first."""

    async def awards(self, user_id: int, *, product: str = "", session_id: int = 0) -> Sequence[AwardedBadge]:
        """Returns a learner's badges, newest first; only those of a product or of a session when given."""

    async def newest_badges(self) -> Sequence[PublishedVersion]:
        """Returns the newest version of every badge, by id."""

    async def applied(self, event_ids: Collection[UUID]) -> Collection[UUID]:
        """Returns which of these events are facts."""

    async def rejected(self, event_ids: Collection[UUID]) -> Mapping[UUID, str]:
        """Returns which of these events were refused for good, and why."""

    async def standings(self, user_id: int) -> Mapping[str, Standing]:
        """Returns a learner's standing in every product practised, and in all."""

    async def frozen(self, user_id: int, product: str) -> Sequence[date]:
        """Returns the days on which freezes were used until the last practice, as the ledger has them."""

    async def anybody_outdated(self) -> bool:
        """Tells whether somebody's stored progress is outdated, as LearnerStore.outdated says it."""

    async def entries(self, user_id: int) -> Sequence[Entry]:
        """Returns everything recorded about a learner, in the order of its recording."""

    async def ledger(
        self, user_id: int, product: str, *, after: LedgerPlace | None, limit: int
    ) -> Sequence[FreezeChange]:
        """Returns what became of freezes, the newest first, after a place."""


class SummaryReader(Protocol):
    """Reads committed sums. Both ends of a span are included; the product may be `all`."""

    async def days_by_product(
        self, user_id: int, product: str, first: date, last: date
    ) -> Sequence[DayTally]:
        """Returns what a learner practised on each day in each product, in order."""

    async def hours(self, user_id: int, product: str, first: date, last: date) -> Sequence[HourTally]:
        """Returns what a learner practised on each weekday at each hour, in no order."""
