"""Wakes those who watch a session, whichever process changed it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Protocol

from session_service.application.ports import signals
from session_service.application.ports.outbox import Outgoing

# The versions of those sessions that are still there.
Versions = Callable[[Collection[int]], Awaitable[Mapping[int, int]]]


class SessionSignal(signals.SessionSignal):
    """One watcher's event, with the version it has seen; None before it has waited."""

    __slots__ = ("event", "seen")

    def __init__(self) -> None:
        self.event = asyncio.Event()
        self.seen: int | None = None

    async def wait(self, version: int) -> None:
        """Returns at the next change that is heard of, or when a look finds another version."""
        self.seen = version
        await self.event.wait()
        self.event.clear()


class JournalSignals(signals.JournalSignals):
    """The watchers in this process; `attended` is set while there are any."""

    def __init__(self) -> None:
        self.attended = asyncio.Event()
        self._watchers: dict[int, set[SessionSignal]] = {}

    @contextmanager
    def watch(self, session_id: int) -> Iterator[SessionSignal]:
        """Signals every change to one watcher."""
        signal = SessionSignal()
        watchers = self._watchers.setdefault(session_id, set())
        watchers.add(signal)
        self.attended.set()
        try:
            yield signal
        finally:
            watchers.remove(signal)
            if not watchers and self._watchers.get(session_id) is watchers:
                del self._watchers[session_id]
            if not self._watchers:
                self.attended.clear()

    def notify(self, session_ids: Collection[int]) -> None:
        """Wakes the watchers of changed sessions."""
        for session_id in session_ids:
            for signal in self._watchers.get(session_id, ()):
                signal.event.set()

    def watched(self) -> list[int]:
        """Returns the sessions that somebody watches."""
        return list(self._watchers)

    def compare(self, versions: Mapping[int, int | None]) -> None:
        """Wakes whoever waits for a session that is at another version, or gone."""
        for session_id, version in versions.items():
            for signal in self._watchers.get(session_id, ()):
                if version != signal.seen:
                    signal.event.set()


class LookForChanges:
    """Looks for changes that were not heard of: one query for everybody who watches."""

    def __init__(self, signals: JournalSignals, versions: Versions) -> None:
        self._signals = signals
        self._versions = versions

    async def __call__(self) -> None:
        """Looks once, and at nothing when nobody watches."""
        watched = self._signals.watched()
        if watched:
            found = await self._versions(watched)
            self._signals.compare({session_id: found.get(session_id) for session_id in watched})


class Publisher(Protocol):
    """Publishes in the background, without a promise. Never blocks, never raises."""

    def offer(self, events: Sequence[Outgoing]) -> None:
        """Takes committed events."""


class Hints(Protocol):
    """Tells the other processes. Never blocks, never raises."""

    def send(self, numbers: Collection[int]) -> None:
        """Takes the numbers of changed sessions."""


class CommitListener:
    """Publishes what was committed, and wakes those who watch it, here and elsewhere."""

    def __init__(self, publisher: Publisher, signals: JournalSignals, hints: Hints) -> None:
        self._publisher = publisher
        self._signals = signals
        self._hints = hints

    def publish(self, events: list[Outgoing]) -> None:
        """Publishes right away."""
        self._publisher.offer(events)

    def wake_watchers(self, session_ids: list[int]) -> None:
        """Wakes the watchers."""
        self._signals.notify(session_ids)
        self._hints.send(session_ids)
