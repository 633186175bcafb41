"""Counts what has not arrived."""

from __future__ import annotations

from session_service.application.outbox import OutboxAdmin, OutboxState


class GetOutbox:
    """Reads the state of the outbox."""

    def __init__(self, outbox: OutboxAdmin) -> None:
        self._outbox = outbox

    async def __call__(self) -> OutboxState:
        """Returns the counts of this moment."""
        return await self._outbox.state()
