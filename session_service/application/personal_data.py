"""Exports and erases what is kept of a user."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import structlog

from service_kit.personal_data import FileChunk, PersonalData, Report
from session_service.application.ports.cache import Memory


class ErasePersonalData:
    """Deletes everything of a user for good, and what is remembered of them for speed and limits.

    The memory is emptied last: nobody can fill it again by then. What it
    cannot be asked to forget, it forgets by itself within the hour.
    """

    def __init__(self, data: PersonalData, memory: Memory) -> None:
        self._data = data
        self._memory = memory

    async def __call__(self, user_id: int, request_id: str) -> Report:
        """Idempotent: the same request gets the same report."""
        report = await self._data.erase(user_id, request_id)
        await self._memory.forget(user_id)
        return report


class ExportPersonalData:
    """Yields a user's files. What is written meanwhile may be missing."""

    def __init__(self, data: PersonalData) -> None:
        self._data = data

    def __call__(self, user_id: int) -> AsyncGenerator[FileChunk]:
        """Reads as it yields; nothing of it is in memory for longer than a piece."""
        return self._data.export(user_id)
