"""Signals to those who watch sessions."""

from __future__ import annotations

from typing import Protocol


class JournalSignals(Protocol):
    """Wakes those who watch a session."""

    async def wait(self, session_id: int, version: int) -> None:
        """Returns when the session may have another version, or may be gone."""
