"""Adds a line to a submission's conversation."""

from __future__ import annotations

from service_kit.call import Call
from service_kit.once import once
from session_service.application.ports.submissions import SubmissionRef
from session_service.application.ports.surroundings import Clock
from session_service.application.ports.unit_of_work import UnitOfWork, UnitOfWorkFactory
from session_service.domain.submission import Submission


class AddSubmissionMessage:
    """Appends a message to a submission.

    Idempotent by the call's key only: the same words may be said twice.
    Raises SubmissionNotFoundError, ConversationFullError.
    """

    def __init__(self, unit_of_work: UnitOfWorkFactory, clock: Clock) -> None:
        self._unit_of_work = unit_of_work
        self._clock = clock

    async def __call__(self, call: Call, ref: SubmissionRef, *, role: str, content: str) -> Submission:
        """Returns the submission with its conversation."""

        async def command(work: UnitOfWork) -> Submission:
            submission = await work.submissions.lock(call.user_id, ref)
            told = submission.add_message(role, content, now=self._clock())
            await work.submissions.add_message(told.id, told.messages[-1])
            await work.submissions.save(told)
            return told

        return await once(self._unit_of_work, call, Submission, command)
