"""What the server reads: committed statistics."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol
from uuid import UUID

from stats_service.domain.badges import BadgeContent
from stats_service.domain.calendar import Calendar
from stats_service.domain.keeping import Keeping
from stats_service.domain.standing import Standing, Tally


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
