"""Ends a practice session as completed or partial."""

from __future__ import annotations

from dataclasses import dataclass

from service_kit.call import Call
from service_kit.once import once
from session_service.application.allowances import Allowances
from session_service.application.ending import end_session
from session_service.application.ports.sessions import SessionRef
from session_service.application.ports.statistics import Statistics
from session_service.application.ports.surroundings import Clock
from session_service.application.ports.unit_of_work import UnitOfWork, UnitOfWorkFactory
from session_service.domain.practice_session import PracticeSession
from session_service.domain.states import State


@dataclass(frozen=True, slots=True)
class Ended:
    """An ended session; `statistics_pending` while statistics do not include it yet."""

    session: PracticeSession
    statistics_pending: bool


class CompleteSession:
    """Ends a session and lets statistics know.

    The end is durable when this returns, whether or not statistics have
    caught up within their deadline. Idempotent by the call's key. Raises
    SessionNotFoundError, SessionEndedError, OutcomeNotAllowedError,
    ElapsedWentBackError, DurationOutOfRangeError, EtagMismatchError.
    """

    def __init__(
        self, unit_of_work: UnitOfWorkFactory, statistics: Statistics, clock: Clock, allowances: Allowances
    ) -> None:
        self._unit_of_work = unit_of_work
        self._statistics = statistics
        self._clock = clock
        self._allowances = allowances

    async def __call__(
        self,
        call: Call,
        ref: SessionRef,
        *,
        outcome: State = State.COMPLETED,
        reported: int | None = None,
        etag: str = "",
    ) -> Ended:
        """Returns the ended session. `reported` is in seconds."""

        async def command(work: UnitOfWork) -> PracticeSession:
            session = await work.sessions.lock(call.user_id, ref)
            session.expect(etag)
            return await end_session(work, session, outcome, now=self._clock(), reported=reported)

        async with self._allowances.completing(call, ref):
            session = await once(self._unit_of_work, call, PracticeSession, command)
        caught_up = await self._statistics.caught_up(session.user_id, session.user_seq)
        return Ended(session, statistics_pending=not caught_up)
