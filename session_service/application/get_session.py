"""Returns one session."""

from __future__ import annotations

from service_kit.call import Call
from session_service.application.ports.reading import Readers
from session_service.application.ports.sessions import SessionRef
from session_service.domain.practice_session import PracticeSession


class GetSession:
    """Reads a session of the caller's. Raises SessionNotFoundError."""

    def __init__(self, readers: Readers) -> None:
        self._readers = readers

    async def __call__(self, call: Call, ref: SessionRef) -> PracticeSession:
        """Returns the session."""
        return await self._readers.get(call.user_id, ref)
