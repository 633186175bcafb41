"""Ends a practice session as abandoned."""

from __future__ import annotations

from service_kit.call import Call
from service_kit.once import once
from session_service.application.ending import end_session
from session_service.application.ports.sessions import SessionRef
from session_service.application.ports.surroundings import Clock
from session_service.application.ports.unit_of_work import UnitOfWork, UnitOfWorkFactory
from session_service.domain.practice_session import PracticeSession
from session_service.domain.states import State


class AbandonSession:
    """Gives a session up. It stays on record and counts for nothing.

    Idempotent by the call's key. Raises as CompleteSession does.
    """

    def __init__(self, unit_of_work: UnitOfWorkFactory, clock: Clock) -> None:
        self._unit_of_work = unit_of_work
        self._clock = clock

    async def __call__(
        self, call: Call, ref: SessionRef, *, reported: int | None = None, etag: str = ""
    ) -> PracticeSession:
        """Returns the ended session. `reported` is in seconds."""

        async def command(work: UnitOfWork) -> PracticeSession:
            session = await work.sessions.lock(call.user_id, ref)
            session.expect(etag)
            return await end_session(work, session, State.ABANDONED, now=self._clock(), reported=reported)

        return await once(self._unit_of_work, call, PracticeSession, command)
