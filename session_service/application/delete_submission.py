"""Deletes a submission."""

from __future__ import annotations

from service_kit.call import Call
from service_kit.once import once
from session_service.application.ports.submissions import SubmissionRef
from session_service.application.ports.unit_of_work import UnitOfWork, UnitOfWorkFactory


class DeleteSubmission:
    """Forgets a submission and its conversation; the session it came from stays.

    Idempotent by the call's key. Raises SubmissionNotFoundError.
    """

    def __init__(self, unit_of_work: UnitOfWorkFactory) -> None:
        self._unit_of_work = unit_of_work

    async def __call__(self, call: Call, ref: SubmissionRef) -> None:
        """Deletes it."""

        async def command(work: UnitOfWork) -> bool:
            submission = await work.submissions.lock(call.user_id, ref)
            await work.submissions.delete(submission.id)
            return True

        await once(self._unit_of_work, call, bool, command)
