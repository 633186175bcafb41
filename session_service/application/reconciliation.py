"""The events as whoever compares them sees them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol
from uuid import UUID

from session_service.domain.events import Event


@dataclass(frozen=True, slots=True)
class EventDigest:
    """What a user's events are: how many there are up to `settled_through`, and their digest.

    Every event up to that place should have arrived by now.
    """

    user_id: int
    last_seq: int
    settled_through: int
    count: int
    digest: int


@dataclass(frozen=True, slots=True)
class ListedEvent:
    """An event's identity, its place, and the digest of what it says."""

    event_id: UUID
    user_seq: int
    digest: int


@dataclass(frozen=True, slots=True)
class DigestSelection:
    """Users after a number, by number: all, those with events `since` so long, or the named ones.

    Events younger than `settle` are given time.
    """

    after_user_id: int
    limit: int
    settle: timedelta
    since: timedelta | None = None
    user_ids: tuple[int, ...] = ()


class EventRecord(Protocol):
    """What happened, told from sessions and changes of calendar; each method is a transaction of its own."""

    async def digests(self, selection: DigestSelection) -> Sequence[EventDigest]:
        """Returns users who have events, fewer than the limit when they have many events."""

    async def listed(self, user_id: int, after_seq: int, limit: int) -> Sequence[ListedEvent]:
        """Returns a user's events after a place, by place."""

    async def erased(self, user_id: int) -> bool:
        """Tells whether a user was erased."""

    async def events(self, user_id: int, seqs: Sequence[int]) -> Sequence[Event]:
        """Returns a user's events at these places, by place."""

    async def put_back(self, events: Sequence[Event]) -> int:
        """Makes events due in the outbox unless they wait there; returns how many.

        Raises AccountErasedError.
        """
