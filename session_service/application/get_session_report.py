"""Tells how a session went."""

from __future__ import annotations

from service_kit.call import Call
from session_service.application.ports.reading import Readers, Report
from session_service.application.ports.sessions import SessionRef
from session_service.domain.practice_session import PracticeSession


class GetSessionReport:
    """Reads a session and what was answered in it. Raises SessionNotFoundError."""

    def __init__(self, readers: Readers) -> None:
        self._readers = readers

    async def __call__(self, call: Call, ref: SessionRef) -> tuple[PracticeSession, Report]:
        """Returns the session and its report."""
        return await self._readers.report(call.user_id, ref)
