"""Resumes a practice session."""

from __future__ import annotations

from service_kit.call import Call
from service_kit.once import once
from session_service.application.ports.sessions import SessionRef
from session_service.application.ports.surroundings import Clock
from session_service.application.ports.unit_of_work import UnitOfWork, UnitOfWorkFactory
from session_service.domain.practice_session import PracticeSession
from session_service.domain.states import Change


class ResumeSession:
    """Lets a session go on.

    Idempotent: resuming an active session changes nothing. Raises
    SessionNotFoundError, SessionEndedError, EtagMismatchError.
    """

    def __init__(self, unit_of_work: UnitOfWorkFactory, clock: Clock) -> None:
        self._unit_of_work = unit_of_work
        self._clock = clock

    async def __call__(self, call: Call, ref: SessionRef, *, etag: str = "") -> PracticeSession:
        """Returns the session going on."""

        async def command(work: UnitOfWork) -> PracticeSession:
            session = await work.sessions.lock(call.user_id, ref)
            session.expect(etag)
            resumed = session.resume(now=self._clock())
            if resumed is not session:
                await work.sessions.save(Change.RESUMED, resumed)
            return resumed

        return await once(self._unit_of_work, call, PracticeSession, command)
