"""What operators ask of the outbox, and the stats service of all events."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from service_kit.errors import AccountErasedError
from service_kit.logging import get_logger
from session_service.domain.events import Event
from session_service.outbox.ports import (
    DeadLetter,
    DigestSelection,
    EventDigest,
    EventRecord,
    ListedEvent,
    OutboxAdmin,
    OutboxState,
)

log = get_logger(__name__)


class ListDeadLetters:
    """Reads a part of the dead letters."""

    def __init__(self, outbox: OutboxAdmin) -> None:
        self._outbox = outbox

    async def __call__(self, *, after: tuple[datetime, UUID] | None, limit: int) -> Sequence[DeadLetter]:
        """Returns at most `limit`, the latest first, from the latest of all or `after` one of them."""
        return await self._outbox.dead_letters(after, limit)


class GetOutbox:
    """Reads the state of the outbox."""

    def __init__(self, outbox: OutboxAdmin) -> None:
        self._outbox = outbox

    async def __call__(self) -> OutboxState:
        """Returns the counts of this moment."""
        return await self._outbox.state()


class RequeueDeadLetters:
    """Hands dead letters back to the relay."""

    def __init__(self, outbox: OutboxAdmin) -> None:
        self._outbox = outbox

    async def __call__(self, event_ids: Sequence[UUID]) -> int:
        """Requeues these, or all when none is named; returns how many.

        Idempotent: what is no dead letter stays as it is.
        """
        requeued = await self._outbox.requeue(event_ids)
        log.info("dead_letters_requeued", events=requeued)
        return requeued


class ListEventDigests:
    """Reads digests of users' events."""

    def __init__(self, record: EventRecord) -> None:
        self._record = record

    async def __call__(self, selection: DigestSelection) -> Sequence[EventDigest]:
        """Returns a part of the users who have events; nobody once there are no more."""
        return await self._record.digests(selection)


class ListUserEvents:
    """Reads a user's events."""

    def __init__(self, record: EventRecord) -> None:
        self._record = record

    async def __call__(self, user_id: int, after_seq: int, limit: int) -> Sequence[ListedEvent] | None:
        """Returns at most `limit` events after a place; None of an erased user."""
        listed = await self._record.list_events(user_id, after_seq, limit)
        if not listed and await self._record.is_erased(user_id):
            return None
        return listed


class GetUserEvents:
    """Reads events by their places."""

    def __init__(self, record: EventRecord) -> None:
        self._record = record

    async def __call__(self, user_id: int, seqs: Sequence[int]) -> Sequence[Event]:
        """Returns those that there are, the same as when they happened."""
        return await self._record.events(user_id, seqs)


class RepublishEvents:
    """Hands events to the relay, made anew from what is stored."""

    def __init__(self, record: EventRecord) -> None:
        self._record = record

    async def __call__(self, user_id: int, seqs: Sequence[int]) -> int:
        """Puts a user's events at these places back into the outbox; returns how many.

        Idempotent: what waits there is left alone. None of an erased user's.
        """
        events = await self._record.events(user_id, seqs)
        try:
            republished = await self._record.put_back(events) if events else 0
        except AccountErasedError:
            return 0
        log.info("events_republished", user_id=user_id, events=republished)
        return republished
