"""Shows sessions together with what is being worked on in them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

from service_kit.call import Call
from session_service.application.ports.reading import SessionSelection
from session_service.application.ports.sessions import SessionRef
from session_service.application.ports.workspaces import Workspace, WorkspaceReaders
from session_service.domain.practice_session import PracticeSession

_AT_ONCE_BYTES = 512 * 1024


class ViewWorkspaces:
    """Reads sessions with their drafts and conversations."""

    def __init__(self, readers: WorkspaceReaders) -> None:
        self._readers = readers

    async def get(self, call: Call, ref: SessionRef) -> Workspace:
        """Returns a session of the caller's. Raises SessionNotFoundError."""
        return await self._readers.get(call.user_id, ref)

    async def of(self, session: PracticeSession) -> Workspace:
        """Returns a session at hand with its work as it is now."""
        return await self._readers.of(session)

    async def each(self, selection: SessionSelection) -> AsyncIterator[Workspace]:
        """Yields sessions, the newest first; what is in memory at once is bounded, not their number."""
        while selection.limit > 0:
            found = await self._readers.list(selection, _AT_ONCE_BYTES)
            if not found:
                return
            for workspace in found:
                yield workspace
            selection = replace(
                selection, offset=0, before_id=found[-1].session.id, limit=selection.limit - len(found)
            )
