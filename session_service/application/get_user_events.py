"""Tells single events of a user again."""

from __future__ import annotations

from collections.abc import Sequence

from session_service.application.reconciliation import EventRecord
from session_service.domain.events import Event


class GetUserEvents:
    """Reads events by their places."""

    def __init__(self, record: EventRecord) -> None:
        self._record = record

    async def __call__(self, user_id: int, seqs: Sequence[int]) -> Sequence[Event]:
        """Returns those that there are, the same as when they happened."""
        return await self._record.events(user_id, seqs)
