"""The outbox as an operator sees it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """An event that was given up, and why."""

    event_id: UUID
    user_id: int
    user_seq: int
    kind: str
    attempts: int
    dead_at: datetime
    last_error: str


@dataclass(frozen=True, slots=True)
class OutboxState:
    """How many events have not arrived; `oldest_waiting` is the age of the first of the waiting."""

    waiting: int
    dead: int
    oldest_waiting: timedelta | None


class OutboxAdmin(Protocol):
    """Each method is a transaction of its own."""

    async def state(self) -> OutboxState:
        """Counts."""

    async def dead_letters(self, after: tuple[datetime, UUID] | None, limit: int) -> Sequence[DeadLetter]:
        """Returns dead letters, the latest first, `after` the one that died then."""

    async def requeue(self, event_ids: Sequence[UUID]) -> int:
        """Gives dead letters, or all when none is named, a new life; returns how many."""
