"""Has events published again that a consumer lacks."""

from __future__ import annotations

from collections.abc import Sequence

import structlog

from service_kit.errors import AccountErasedError
from session_service.application.reconciliation import EventRecord

log = structlog.get_logger(__name__)


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
