"""Changes a submission."""

from __future__ import annotations

from typing import Any

from service_kit.call import Call
from service_kit.heavy import Aside
from service_kit.once import once
from session_service.application.ports.submissions import SubmissionRef
from session_service.application.ports.surroundings import Clock
from session_service.application.ports.unit_of_work import UnitOfWork, UnitOfWorkFactory
from session_service.domain.drafts import content_hash
from session_service.domain.submission import Submission


class UpdateSubmission:
    """Gives fields of a submission new values.

    Idempotent by the call's key. Raises SubmissionNotFoundError,
    DraftInvalidError, EtagMismatchError.
    """

    def __init__(self, unit_of_work: UnitOfWorkFactory, clock: Clock, aside: Aside) -> None:
        self._unit_of_work = unit_of_work
        self._clock = clock
        self._aside = aside

    async def __call__(
        self, call: Call, ref: SubmissionRef, changes: dict[str, Any], *, etag: str = ""
    ) -> Submission:
        """Returns the submission. `changes` are values of submission.CHANGEABLE, by their names."""
        if "document" in changes:
            await self._aside(content_hash, changes["document"])

        async def command(work: UnitOfWork) -> Submission:
            submission = await work.submissions.lock(call.user_id, ref)
            changed = submission.change(changes, etag=etag, now=self._clock())
            if changed is not submission:
                await work.submissions.save(changed)
            return changed

        return await once(self._unit_of_work, call, Submission, command)
