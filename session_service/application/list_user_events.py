"""Lists what happened to a user."""

from __future__ import annotations

from collections.abc import Sequence

from session_service.application.reconciliation import EventRecord, ListedEvent


class ListUserEvents:
    """Reads a user's events."""

    def __init__(self, record: EventRecord) -> None:
        self._record = record

    async def __call__(self, user_id: int, after_seq: int, limit: int) -> Sequence[ListedEvent] | None:
        """Returns at most `limit` events after a place; None of an erased user."""
        listed = await self._record.listed(user_id, after_seq, limit)
        if not listed and await self._record.erased(user_id):
            return None
        return listed
