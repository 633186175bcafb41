"""Says in the relay's log what became of each event, and whose it is."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

import structlog

from session_service.application.relay_outbox import DueEvent, OutboxQueue
from session_service.domain.events import ENDED

log = structlog.get_logger(__name__)


class LoggedOutboxQueue:
    """Implements relay_outbox.OutboxQueue over another one; a line for each event of a round."""

    def __init__(self, queue: OutboxQueue) -> None:
        self._queue = queue
        self._claimed: dict[UUID, DueEvent] = {}

    async def claim(self, limit: int) -> Sequence[DueEvent]:
        """Remembers the events of this round."""
        due = await self._queue.claim(limit)
        self._claimed = {event.event_id: event for event in due}
        return due

    async def acknowledge(self, event_ids: Sequence[UUID]) -> None:
        """Tells of events that arrived."""
        await self._queue.acknowledge(event_ids)
        for event_id in event_ids:
            log.info("event_acknowledged", **self._about(event_id))

    async def bury(self, event_id: UUID, reason: str) -> None:
        """Tells of an event that was given up."""
        await self._queue.bury(event_id, reason)
        log.error("event_given_up", reason=reason, **self._about(event_id))

    async def retry(self, event_ids: Sequence[UUID], *, counted: bool, wait: timedelta, error: str) -> None:
        """Tells of events that were published again, or could not be."""
        await self._queue.retry(event_ids, counted=counted, wait=wait, error=error)
        for event_id in event_ids:
            if counted:
                log.info("event_published", **self._about(event_id))
            else:
                log.warning("event_waits", reason=error, **self._about(event_id))

    def _about(self, event_id: UUID) -> dict[str, object]:
        event = self._claimed[event_id]
        about = {"event_id": str(event_id), "user_id": event.user_id, "request_id": event.request_id}
        return {**about, "session_id": event.subject_id} if event.kind == ENDED else about
