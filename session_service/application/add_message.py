"""Adds a line to a session's conversation."""

from __future__ import annotations

from dataclasses import dataclass

from service_kit.call import Call
from service_kit.once import once
from session_service.application.allowances import Allowances
from session_service.application.ports.sessions import SessionRef
from session_service.application.ports.surroundings import Clock
from session_service.application.ports.unit_of_work import UnitOfWork, UnitOfWorkFactory
from session_service.domain.messages import Message
from session_service.domain.practice_session import PracticeSession
from session_service.domain.states import Change


@dataclass(frozen=True, slots=True)
class Said:
    """A line of the conversation, and the session with it."""

    message: Message
    session: PracticeSession


class AddMessage:
    """Appends a message to an open session.

    Idempotent by the call's key only: the same words may be said twice.
    Raises SessionNotFoundError, SessionEndedError.
    """

    def __init__(self, unit_of_work: UnitOfWorkFactory, clock: Clock, allowances: Allowances) -> None:
        self._unit_of_work = unit_of_work
        self._clock = clock
        self._allowances = allowances

    async def __call__(self, call: Call, ref: SessionRef, *, role: str, content: str) -> Said:
        """Returns the message as stored."""

        async def command(work: UnitOfWork) -> Said:
            session = await work.sessions.lock(call.user_id, ref)
            await self._allowances.say_more(work, call.user_id)
            now = self._clock()
            told = session.add_message(content, now=now)
            message = Message(told.message_count, role, content, now)
            await work.sessions.add_message(told, message)
            await work.sessions.save(Change.MESSAGE_ADDED, told)
            return Said(message, told)

        return await once(self._unit_of_work, call, Said, command)
