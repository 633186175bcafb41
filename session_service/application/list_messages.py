"""Lists a session's conversation."""

from __future__ import annotations

from collections.abc import Sequence

from service_kit.call import Call
from session_service.application.ports.reading import Readers
from session_service.application.ports.sessions import SessionRef
from session_service.domain.messages import Message


class ListMessages:
    """Reads the conversation, oldest first. Raises SessionNotFoundError."""

    def __init__(self, readers: Readers) -> None:
        self._readers = readers

    async def __call__(self, call: Call, ref: SessionRef, *, after: int, limit: int) -> Sequence[Message]:
        """Returns at most `limit` messages after a position."""
        await self._readers.get(call.user_id, ref)
        return await self._readers.messages(ref.id, after, limit)
