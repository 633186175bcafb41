"""Lists the events that were given up."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from session_service.application.outbox import DeadLetter, OutboxAdmin


class ListDeadLetters:
    """Reads a part of the dead letters."""

    def __init__(self, outbox: OutboxAdmin) -> None:
        self._outbox = outbox

    async def __call__(self, *, after: tuple[datetime, UUID] | None, limit: int) -> Sequence[DeadLetter]:
        """Returns at most `limit`, the latest first, from the latest of all or `after` one of them."""
        return await self._outbox.dead_letters(after, limit)
