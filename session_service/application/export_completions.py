"""Tells the facts again, from the stored sessions."""

from __future__ import annotations

from collections.abc import AsyncIterator

from session_service.application.ports.reading import Readers
from session_service.domain.events import SessionEnded


class ExportCompletions:
    """Yields the events of ended sessions, the same as when they ended."""

    def __init__(self, readers: Readers) -> None:
        self._readers = readers

    async def __call__(self, *, user_id: int = 0, after_session_id: int = 0) -> AsyncIterator[SessionEnded]:
        """Yields in the order of session numbers; of every user when `user_id` is 0."""
        async for session in self._readers.ended(user_id, after_session_id):
            yield SessionEnded.of(session)
