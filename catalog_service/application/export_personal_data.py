"""Gives everything that is kept of a person."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from service_kit.personal_data import FileChunk, PersonalData


class ExportPersonalData:
    """Yields a person's files. What is written meanwhile may be missing."""

    def __init__(self, data: PersonalData) -> None:
        self._data = data

    def __call__(self, user_id: int) -> AsyncGenerator[FileChunk]:
        """Reads as it yields; nothing of it is in memory for longer than a piece."""
        return self._data.export(user_id)
