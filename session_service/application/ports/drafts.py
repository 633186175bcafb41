"""Drafts of sessions: read with their session, and written without a lock held in between."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from service_kit.call import Call
from session_service.application.ports.sessions import SessionRef
from session_service.domain.drafts import StoredDraft
from session_service.domain.practice_session import PracticeSession


@dataclass(frozen=True, slots=True)
class FoundDraft:
    """A session, and its draft without the text unless it has none.

    `last_seq` is how far the caller's events are, `repeated` whether the call's key has been used.
    """

    session: PracticeSession
    draft: StoredDraft | None
    last_seq: int
    repeated: bool = False


@dataclass(frozen=True, slots=True)
class DraftChange:
    """A session before and after a draft was saved; `content` is the draft's where it is another one."""

    before: PracticeSession
    after: PracticeSession
    content: str | None


class DraftStore(Protocol):
    """Sessions with their drafts."""

    async def read(self, call: Call, ref: SessionRef) -> FoundDraft | None:
        """Returns a session of the caller's with its draft, of one moment; nothing is locked."""

    async def write(self, call: Call, change: DraftChange, outcome_type: type[Any]) -> bool:
        """Makes a change durable, with the session after it as the outcome of the call's key.

        Returns whether it did: a session that is not what it was before is left as it is, and so is
        one whose caller's key has been used.
        """
