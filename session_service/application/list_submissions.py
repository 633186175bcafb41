"""Lists a user's submissions."""

from __future__ import annotations

from collections.abc import Sequence

from session_service.application.ports.submissions import SubmissionReaders, SubmissionSelection
from session_service.domain.submission import Submission


class ListSubmissions:
    """Reads a user's submissions, newest first, without documents and conversations."""

    def __init__(self, readers: SubmissionReaders) -> None:
        self._readers = readers

    async def __call__(self, selection: SubmissionSelection) -> tuple[Sequence[Submission], int]:
        """Returns at most `selection.limit` submissions, and how many there are in all."""
        return await self._readers.list(selection)
