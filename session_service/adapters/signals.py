"""Wakes those who watch a session in this process."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Protocol

from session_service.application.ports import signals
from session_service.application.ports.outbox import Outgoing

# The versions of those sessions that are still there.
Versions = Callable[[Collection[int]], Awaitable[Mapping[int, int]]]


class JournalSignals(signals.JournalSignals):
    """Signals within this process: one event a watcher, with the version it has seen."""

    def __init__(self) -> None:
        self._waiters: dict[int, dict[asyncio.Event, int]] = {}

    async def wait(self, session_id: int, version: int) -> None:
        """Returns at the next change in this process, or when a look finds another version."""
        event = asyncio.Event()
        waiters = self._waiters.setdefault(session_id, {})
        waiters[event] = version
        try:
            await event.wait()
        finally:
            del waiters[event]
            if not waiters:
                self._waiters.pop(session_id, None)

    def notify(self, session_ids: Sequence[int]) -> None:
        """Wakes the watchers of changed sessions."""
        for session_id in session_ids:
            for event in self._waiters.get(session_id, ()):
                event.set()

    def watched(self) -> list[int]:
        """Returns the sessions that somebody waits for."""
        return list(self._waiters)

    def compare(self, versions: Mapping[int, int | None]) -> None:
        """Wakes whoever waits for a session that is at another version, or gone."""
        for session_id, version in versions.items():
            for event, seen in self._waiters.get(session_id, {}).items():
                if version != seen:
                    event.set()


class LookForChanges:
    """Looks for changes that other processes made: one query for everybody who waits."""

    def __init__(self, signals: JournalSignals, versions: Versions) -> None:
        self._signals = signals
        self._versions = versions

    async def __call__(self) -> None:
        """Looks once, and at nothing when nobody waits."""
        watched = self._signals.watched()
        if watched:
            found = await self._versions(watched)
            self._signals.compare({session_id: found.get(session_id) for session_id in watched})


class Publisher(Protocol):
    """Publishes in the background, without a promise. Never blocks, never raises."""

    def offer(self, events: Sequence[Outgoing]) -> None:
        """Takes committed events."""


class CommitListener:
    """Publishes what was committed, and wakes those who watch it."""

    def __init__(self, publisher: Publisher, signals: JournalSignals) -> None:
        self._publisher = publisher
        self._signals = signals

    def publish(self, events: list[Outgoing]) -> None:
        """Publishes right away."""
        self._publisher.offer(events)

    def wake_watchers(self, session_ids: list[int]) -> None:
        """Wakes the watchers."""
        self._signals.notify(session_ids)
