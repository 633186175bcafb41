"""Signals to those who watch sessions."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Protocol


class SessionSignal(Protocol):
    """The signal to one watcher of a session."""

    async def wait(self, version: int) -> None:
        """Returns when the session may have another version than the one seen, or may be gone.

        A change since the watch began, or since the last wait returned, is not missed.
        """


class JournalSignals(Protocol):
    """Wakes those who watch a session."""

    def watch(self, session_id: int) -> AbstractContextManager[SessionSignal]:
        """Watches a session for the duration of a block."""
