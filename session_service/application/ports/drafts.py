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

    `repeated` says that the call's key has been used, `remembered` that nothing was read.
    """

    session: PracticeSession
    draft: StoredDraft | None
    repeated: bool = False
    remembered: bool = False


@dataclass(frozen=True, slots=True)
class DraftChange:
    """A session before and after a draft was saved.

    `content` is the draft's where it is another one than what was `stored`.
    """

    before: PracticeSession
    after: PracticeSession
    content: str | None
    stored: StoredDraft | None


class DraftStore(Protocol):
    """Sessions with their drafts."""

    def recall(self, call: Call, ref: SessionRef) -> FoundDraft | None:
        """Returns a session of the caller's as this process saved it last, None where it knows nothing of it.

        Others may have changed it since: nothing is told that a write has not proved.
        """

    async def read(self, call: Call, ref: SessionRef) -> FoundDraft | None:
        """Returns a session of the caller's with its draft, of one moment; nothing is locked."""

    async def write(self, call: Call, change: DraftChange, outcome_type: type[Any]) -> int | None:
        """Makes a change durable, with the session after it as the outcome of the call's key.

        Returns how far the caller's events are, None when nothing was written: a session that is not
        what it was before is left as it is, and so is one whose caller's key has been used.
        """
