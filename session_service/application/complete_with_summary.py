"""Ends a practice session and sums up the user's sessions with it."""

from __future__ import annotations

from dataclasses import dataclass

from service_kit.call import Call
from service_kit.once import once
from session_service.application.ending import end_session
from session_service.application.ports.sessions import SessionRef, Summary
from session_service.application.ports.statistics import Statistics
from session_service.application.ports.surroundings import Clock
from session_service.application.ports.unit_of_work import UnitOfWork, UnitOfWorkFactory
from session_service.domain.practice_session import PracticeSession
from session_service.domain.states import State


@dataclass(frozen=True, slots=True)
class SummedUp:
    """An ended session and the figures over its product's sessions, this end included."""

    session: PracticeSession
    summary: Summary


class CompleteWithSummary:
    """Ends a session and reads the figures in the same transaction.

    One user's ends follow one another, so of ends at the same instant each
    sees those before it and itself. Idempotent by the call's key, figures
    included. Raises SessionNotFoundError, SessionEndedError,
    OutcomeNotAllowedError, DurationOutOfRangeError.
    """

    def __init__(self, unit_of_work: UnitOfWorkFactory, statistics: Statistics, clock: Clock) -> None:
        self._unit_of_work = unit_of_work
        self._statistics = statistics
        self._clock = clock

    async def __call__(self, call: Call, ref: SessionRef, *, outcome: State, reported: int) -> SummedUp:
        """Returns the ended session and the figures. `reported` is in seconds."""

        async def command(work: UnitOfWork) -> SummedUp:
            session = await work.sessions.lock(call.user_id, ref)
            ended = await end_session(work, session, outcome, now=self._clock(), reported=reported)
            return SummedUp(ended, await work.sessions.summary(ended.user_id, ended.product))

        summed_up = await once(self._unit_of_work, call, SummedUp, command)
        await self._statistics.caught_up(summed_up.session.user_id, summed_up.session.user_seq)
        return summed_up
