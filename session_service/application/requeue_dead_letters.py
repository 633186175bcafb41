"""Sends again what was given up."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import structlog

from session_service.application.outbox import OutboxAdmin

log = structlog.get_logger(__name__)


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
