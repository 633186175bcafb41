"""Wakes those who watch a session in this process."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Protocol

from session_service.application.ports.outbox import Outgoing


class JournalSignals:
    """Implements ports.JournalSignals: one event a watched session."""

    def __init__(self) -> None:
        self._waiters: dict[int, set[asyncio.Event]] = {}

    async def wait(self, session_id: int, at_most: timedelta) -> None:
        """Returns at the next change in this process, at the latest after `at_most`."""
        event = asyncio.Event()
        waiters = self._waiters.setdefault(session_id, set())
        waiters.add(event)
        try:
            async with asyncio.timeout(at_most.total_seconds()):
                await event.wait()
        except TimeoutError:
            return
        finally:
            waiters.discard(event)
            if not waiters:
                self._waiters.pop(session_id, None)

    def notify(self, session_ids: Sequence[int]) -> None:
        """Wakes the watchers of changed sessions."""
        for session_id in session_ids:
            for event in self._waiters.get(session_id, ()):
                event.set()


class Publisher(Protocol):
    """Publishes in the background, without a promise. Never blocks, never raises."""

    def offer(self, events: Sequence[Outgoing]) -> None:
        """Takes committed events."""


class CommitListener:
    """Implements unit_of_work.AfterCommit."""

    def __init__(self, publisher: Publisher, signals: JournalSignals) -> None:
        self._publisher = publisher
        self._signals = signals

    def events(self, events: list[Outgoing]) -> None:
        """Publishes right away."""
        self._publisher.offer(events)

    def changed(self, session_ids: list[int]) -> None:
        """Wakes the watchers."""
        self._signals.notify(session_ids)
