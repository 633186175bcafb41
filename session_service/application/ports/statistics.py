"""The stats service: what completions led to, and which events have arrived."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol
from uuid import UUID

from session_service.domain.practice_session import PracticeSession


@dataclass(frozen=True, slots=True)
class Verdicts:
    """What the stats service says of events: `rejected` maps to the reasons."""

    applied: frozenset[UUID]
    rejected: Mapping[UUID, str]


@dataclass(frozen=True, slots=True)
class Streak:
    """Runs of the user's own days with practice, in days."""

    current: int
    best: int


@dataclass(frozen=True, slots=True)
class Badge:
    """A badge that a completion earned."""

    title: str
    description: str


@dataclass(frozen=True, slots=True)
class Effects:
    """What a completion led to; `pending` while statistics do not include it yet."""

    streak: Streak
    badges: tuple[Badge, ...]
    pending: bool


@dataclass(frozen=True, slots=True)
class DayOfPractice:
    """A day with completed sessions, and their time in seconds."""

    day: date
    sessions: int
    seconds: int


class Statistics(Protocol):
    """The stats service, as far as completions need it."""

    async def caught_up(self, user_id: int, user_seq: int) -> bool:
        """Waits, under a second, until statistics include a completion. Never raises."""

    async def effects(self, session: PracticeSession) -> Effects:
        """Waits, under a second, for a completion and returns what it led to.

        Raises UnavailableError when the stats service does not answer at all.
        """

    async def streak(self, user_id: int, product: str, *, user_seq: int) -> Streak:
        """Waits, under a second, for an event, 0 for none, and returns the user's streak in a product.

        Raises UnavailableError.
        """

    async def days(
        self, user_id: int, product: str, first: date, last: date, *, user_seq: int
    ) -> Sequence[DayOfPractice]:
        """Waits as `streak` does, and returns the days with practice between two days, oldest first.

        Raises UnavailableError.
        """

    async def verdicts(self, event_ids: Sequence[UUID]) -> Verdicts | None:
        """Returns what became of events; None while the stats service does not answer."""
