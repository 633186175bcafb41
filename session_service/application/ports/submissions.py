"""The submissions of a unit of work, and reads of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from session_service.domain.messages import Message
from session_service.domain.submission import Submission


@dataclass(frozen=True, slots=True)
class SubmissionRef:
    """A submission by number and, where its public id says it, the Unix second it was made in."""

    id: int
    second: int | None = None


class Submissions(Protocol):
    """The submissions of a unit of work."""

    async def add(self, submission: Submission) -> Submission:
        """Stores a new submission with its conversation and returns it numbered."""

    async def lock(self, user_id: int, ref: SubmissionRef) -> Submission:
        """Returns a submission, locked until the commit. Raises SubmissionNotFoundError."""

    async def save(self, submission: Submission) -> None:
        """Stores a submission's next version, but for its conversation."""

    async def add_message(self, submission: Submission, message: Message) -> None:
        """Stores a line of the conversation."""

    async def delete(self, submission: Submission) -> None:
        """Forgets a submission and its conversation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmissionSelection:
    """Which of a user's submissions to list, newest first; without content, of all."""

    user_id: int
    content: str = ""
    before_id: int | None = None
    limit: int = 20
    offset: int = 0


class SubmissionReaders(Protocol):
    """Reads of submissions that change nothing; each sees one consistent moment."""

    async def get(self, user_id: int, ref: SubmissionRef) -> Submission:
        """Returns a submission. Raises SubmissionNotFoundError."""

    async def newest(self, user_id: int, content: str) -> Submission | None:
        """Returns the newest submission of a content, if there is one."""

    async def list(self, selection: SubmissionSelection) -> tuple[Sequence[Submission], int]:
        """Returns submissions without documents and conversations, and how many there are in all."""
