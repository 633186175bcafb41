"""Pauses a practice session."""

from __future__ import annotations

from service_kit.call import Call
from service_kit.once import once
from session_service.application.ports.sessions import SessionRef
from session_service.application.ports.surroundings import Clock
from session_service.application.ports.unit_of_work import UnitOfWork, UnitOfWorkFactory
from session_service.domain.practice_session import PracticeSession
from session_service.domain.states import Change


class PauseSession:
    """Puts a session to rest and records the time the client reports.

    Idempotent by the call's key; pausing a paused session changes nothing or
    only the time, as the product's policy says. Raises SessionNotFoundError,
    SessionEndedError, ElapsedWentBackError, EtagMismatchError.
    """

    def __init__(self, unit_of_work: UnitOfWorkFactory, clock: Clock) -> None:
        self._unit_of_work = unit_of_work
        self._clock = clock

    async def __call__(
        self, call: Call, ref: SessionRef, *, reported: int | None = None, etag: str = ""
    ) -> PracticeSession:
        """Returns the session at rest. `reported` is in seconds."""

        async def command(work: UnitOfWork) -> PracticeSession:
            session = await work.sessions.lock(call.user_id, ref)
            session.expect(etag)
            paused = session.pause(now=self._clock(), reported=reported)
            if paused is not session:
                await work.sessions.save(Change.PAUSED, paused)
            return paused

        return await once(self._unit_of_work, call, PracticeSession, command)
