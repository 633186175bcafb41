"""Returns the document being worked on in a session."""

from __future__ import annotations

from service_kit.call import Call
from session_service.application.ports.reading import Readers
from session_service.application.ports.sessions import SessionRef
from session_service.domain.drafts import EMPTY_HASH


class GetDraft:
    """Reads a session's draft. Raises SessionNotFoundError."""

    def __init__(self, readers: Readers) -> None:
        self._readers = readers

    async def __call__(self, call: Call, ref: SessionRef) -> tuple[str, str]:
        """Returns the JSON text as it was sent and its hash; `{}` before the first draft."""
        await self._readers.get(call.user_id, ref)
        return await self._readers.draft(ref.id) or ("{}", EMPTY_HASH)
