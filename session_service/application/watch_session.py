"""Streams what happens to a session."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

from service_kit.call import Call
from session_service.application.ports.clock import Clock
from session_service.application.ports.readers import JournalEntry, Readers
from session_service.application.ports.sessions import SessionRef
from session_service.application.ports.signals import JournalSignals
from session_service.domain.practice_session import PracticeSession
from session_service.domain.states import Change


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The state of things when the watch began."""

    session: PracticeSession
    elapsed_seconds: int


class WatchSession:
    """Gives a snapshot, then every change once and in order, until the session has ended.

    The snapshot is one row read at one moment and carries the version it is
    at; the journal is numbered by the same versions, so nothing can fall
    between the two. With a cursor there is no snapshot but everything after
    it; what came next to it may be forgotten of a session that has ended, and
    then there is a snapshot after all. Raises SessionNotFoundError, also once the session is gone.
    """

    def __init__(self, readers: Readers, signals: JournalSignals, clock: Clock) -> None:
        self._readers = readers
        self._signals = signals
        self._clock = clock

    async def __call__(
        self, call: Call, ref: SessionRef, cursor: int = 0
    ) -> AsyncIterator[Snapshot | JournalEntry]:
        """Returns what happens from now on. `cursor` is the last change seen, 0 for none."""
        session = await self._readers.get(call.user_id, ref)
        return self._follow(call, ref, session, cursor)

    async def _follow(
        self, call: Call, ref: SessionRef, session: PracticeSession, cursor: int
    ) -> AsyncIterator[Snapshot | JournalEntry]:
        if not cursor:
            yield Snapshot(session, session.elapsed_at(self._clock()))
            cursor = session.version
            if not session.state.is_open:
                return
        # No change has a higher number yet: waiting beyond it would miss the end.
        cursor = min(cursor, session.version)
        # Before the journal is read, so that what is written meanwhile wakes the next wait.
        with self._signals.watch(ref.id) as signal:
            while True:
                entries = await self._readers.journal(call.user_id, ref.id, cursor)
                if cursor < session.version and (not entries or entries[0].sequence > cursor + 1):
                    yield Snapshot(session, session.elapsed_at(self._clock()))
                    cursor = session.version
                for entry in entries:
                    if entry.sequence <= cursor:
                        continue
                    yield entry
                    cursor = entry.sequence
                    if entry.change is Change.ENDED:
                        return
                if not session.state.is_open:
                    return
                await signal.wait(cursor)
                session = await self._readers.get(call.user_id, ref)
