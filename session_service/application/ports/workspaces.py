"""Sessions with the work that is done in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from session_service.application.ports.readers import SessionSelection
from session_service.application.ports.sessions import SessionRef
from session_service.domain.messages import Message
from session_service.domain.practice_session import PracticeSession


@dataclass(frozen=True, slots=True)
class Workspace:
    """A session with what is being worked on in it: the draft, its hash and the conversation."""

    session: PracticeSession
    document: str
    document_hash: str
    messages: Sequence[Message]


class WorkspaceReaders(Protocol):
    """Reads of sessions with their work; each sees one consistent moment."""

    async def get(self, user_id: int, ref: SessionRef) -> Workspace:
        """Returns a session with its work. Raises SessionNotFoundError."""

    async def of(self, session: PracticeSession) -> Workspace:
        """Returns the work of a session at hand."""

    async def messages(self, session: PracticeSession) -> Sequence[Message]:
        """Returns the conversation of a session at hand, of it what the session counts."""

    async def list(self, selection: SessionSelection, most_bytes: int) -> Sequence[Workspace]:
        """Returns sessions with their work, stopping before the work is over `most_bytes`.

        The first is returned however large its work is. The number of reads
        does not depend on the number of sessions.
        """
