"""Erases what is kept of a user."""

from __future__ import annotations

from service_kit.personal_data import PersonalData, Report
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
