"""Returns one submission."""

from __future__ import annotations

from service_kit.call import Call
from session_service.application.ports.submissions import SubmissionReaders, SubmissionRef
from session_service.domain.submission import Submission


class GetSubmission:
    """Reads a submission of the caller's."""

    def __init__(self, readers: SubmissionReaders) -> None:
        self._readers = readers

    async def __call__(self, call: Call, ref: SubmissionRef) -> Submission:
        """Returns the submission. Raises SubmissionNotFoundError."""
        return await self._readers.get(call.user_id, ref)

    async def newest(self, call: Call, content: str) -> Submission | None:
        """Returns the newest one of a content, None when there is none."""
        return await self._readers.newest(call.user_id, content)
