"""Lists the items picked for a session."""

from __future__ import annotations

from collections.abc import Sequence

from service_kit.call import Call
from session_service.application.ports.reading import Readers
from session_service.application.ports.sessions import SessionRef
from session_service.domain.items import SessionItem


class ListSessionItems:
    """Reads the picked items and how each went. Raises SessionNotFoundError."""

    def __init__(self, readers: Readers) -> None:
        self._readers = readers

    async def __call__(self, call: Call, ref: SessionRef) -> Sequence[SessionItem]:
        """Returns the items in their order."""
        await self._readers.get(call.user_id, ref)
        return await self._readers.items(ref.id)
