"""The outbox, as the relay and operators need it, and the record of all events."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from session_service.domain.events import Event


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
    """The outbox as operators see it; each method is a transaction of its own."""

    async def state(self) -> OutboxState:
        """Counts."""

    async def dead_letters(self, after: tuple[datetime, UUID] | None, limit: int) -> Sequence[DeadLetter]:
        """Returns dead letters, the latest first, `after` the one that died then."""

    async def requeue(self, event_ids: Sequence[UUID]) -> int:
        """Gives dead letters, or all when none is named, a new life; returns how many."""


@dataclass(frozen=True, slots=True)
class DueEvent:
    """An event not confirmed yet, with its payload once it is claimed.

    `attempts` counts the relay's own publishings.
    """

    event_id: UUID
    kind: str
    payload: bytes
    attempts: int
    user_id: int = 0
    # What the event is about: a session's number, for the end of one.
    subject_id: int = 0
    request_id: str = ""


class OutboxQueue(Protocol):
    """The outbox as the relay sees it; each method is a short transaction of its own."""

    async def look(self, limit: int) -> Sequence[DueEvent]:
        """Returns due events without their payloads. Another relay may see the same."""

    async def claim(self, event_ids: Sequence[UUID]) -> Sequence[DueEvent]:
        """Returns those of some events that are still due, and keeps other relays off them for a while."""

    async def acknowledge(self, event_ids: Sequence[UUID]) -> None:
        """Closes events that the consumer's database has. Idempotent."""

    async def bury(self, event_id: UUID, reason: str) -> None:
        """Makes an event a dead letter: it is claimed no more until an operator requeues it.

        Idempotent: again, it renews the time and the `reason` that operators
        are shown. Does nothing when there is no such event.
        """

    async def retry(self, event_ids: Sequence[UUID], *, counted: bool, wait: timedelta, error: str) -> None:
        """Makes events due again after a while; `counted` adds to their attempts."""


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
    """Every event, made from sessions and changes of calendar; each method is a transaction of its own."""

    async def digests(self, selection: DigestSelection) -> Sequence[EventDigest]:
        """Returns users who have events, fewer than the limit when they have many events."""

    async def list_events(self, user_id: int, after_seq: int, limit: int) -> Sequence[ListedEvent]:
        """Returns a user's events after a place, by place."""

    async def is_erased(self, user_id: int) -> bool:
        """Tells whether a user was erased."""

    async def events(self, user_id: int, seqs: Sequence[int]) -> Sequence[Event]:
        """Returns a user's events at these places, by place."""

    async def put_back(self, events: Sequence[Event]) -> int:
        """Makes events due in the outbox unless they wait there; returns how many.

        Raises AccountErasedError.
        """
