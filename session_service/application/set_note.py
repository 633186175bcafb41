"""Writes down what a person has to say about a session."""

from __future__ import annotations

from service_kit.call import Call
from service_kit.once import once
from session_service.application.ports.sessions import SessionRef
from session_service.application.ports.surroundings import Clock
from session_service.application.ports.unit_of_work import UnitOfWork, UnitOfWorkFactory
from session_service.domain.practice_session import PracticeSession
from session_service.domain.states import Change


class SetNote:
    """Replaces a session's note, open or ended.

    Idempotent: the same note changes nothing. Raises SessionNotFoundError.
    """

    def __init__(self, unit_of_work: UnitOfWorkFactory, clock: Clock) -> None:
        self._unit_of_work = unit_of_work
        self._clock = clock

    async def __call__(self, call: Call, ref: SessionRef, note: str) -> PracticeSession:
        """Returns the session with the note."""

        async def command(work: UnitOfWork) -> PracticeSession:
            session = await work.sessions.lock(call.user_id, ref)
            noted = session.annotate(note, now=self._clock())
            if noted is not session:
                await work.sessions.save(Change.NOTED, noted)
            return noted

        return await once(self._unit_of_work, call, PracticeSession, command)
