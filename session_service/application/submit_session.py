"""Hands a session's work in and completes the session."""

from __future__ import annotations

from dataclasses import dataclass

from service_kit.call import Call
from service_kit.once import once
from session_service.application.ending import end_session
from session_service.application.ports.sessions import SessionRef
from session_service.application.ports.statistics import Statistics
from session_service.application.ports.surroundings import Clock
from session_service.application.ports.unit_of_work import UnitOfWork, UnitOfWorkFactory
from session_service.domain.errors import OutcomeNotAllowedError
from session_service.domain.states import State
from session_service.domain.submission import COMPLETED, Submission


@dataclass(frozen=True, slots=True)
class HandedIn:
    """The submission, and the place of its session's end among the user's events."""

    submission: Submission
    user_seq: int


class SubmitSession:
    """Ends a session as completed and makes a submission of its draft, time and conversation.

    Both or neither: one transaction under the session's lock, so of two
    submits one is refused and no autosave falls in between. Idempotent by the
    call's key. Raises SessionNotFoundError, SessionEndedError,
    OutcomeNotAllowedError.
    """

    def __init__(self, unit_of_work: UnitOfWorkFactory, statistics: Statistics, clock: Clock) -> None:
        self._unit_of_work = unit_of_work
        self._statistics = statistics
        self._clock = clock

    async def __call__(self, call: Call, ref: SessionRef) -> Submission:
        """Returns the submission, once statistics include its session or are late."""

        async def command(work: UnitOfWork) -> HandedIn:
            session = await work.sessions.lock(call.user_id, ref)
            if not session.policy.submits:
                raise OutcomeNotAllowedError(session.product, "submitted")
            now = self._clock()
            ended = await end_session(work, session, State.COMPLETED, now=now)
            made = await work.submissions.add(
                Submission(
                    user_id=ended.user_id,
                    content=ended.content,
                    content_created_at=ended.content_created_at,
                    session_id=ended.id,
                    document=await work.sessions.draft(ended.id) or "{}",
                    elapsed_seconds=ended.elapsed_seconds,
                    status=COMPLETED,
                    messages=tuple(await work.sessions.messages(ended.id)),
                    submitted_at=now,
                    updated_at=now,
                )
            )
            return HandedIn(made, ended.user_seq)

        handed_in = await once(self._unit_of_work, call, HandedIn, command)
        await self._statistics.caught_up(call.user_id, handed_in.user_seq)
        return handed_in.submission
