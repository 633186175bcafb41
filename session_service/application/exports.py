"""Exports of all events, made again from what is stored."""

from __future__ import annotations

from collections.abc import AsyncIterator

from session_service.application.ports.learners import CalendarReaders
from session_service.application.ports.readers import Readers
from session_service.domain.events import CalendarChanged, SessionEnded


class ExportCalendarChanges:
    """Yields the events of changes of calendar, the same as when they were made."""

    def __init__(self, readers: CalendarReaders) -> None:
        self._readers = readers

    async def __call__(self, *, user_id: int = 0) -> AsyncIterator[CalendarChanged]:
        """Yields in the order in which they were made; of every user when `user_id` is 0."""
        async for change in self._readers.changes(user_id):
            yield CalendarChanged.of(change)


class ExportCompletions:
    """Yields the events of ended sessions, the same as when they ended."""

    def __init__(self, readers: Readers) -> None:
        self._readers = readers

    async def __call__(self, *, user_id: int = 0, after_session_id: int = 0) -> AsyncIterator[SessionEnded]:
        """Yields in the order of session numbers; of every user when `user_id` is 0."""
        async for session in self._readers.ended(user_id, after_session_id):
            yield SessionEnded.of(session)
