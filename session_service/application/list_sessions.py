"""Lists a user's sessions."""

from __future__ import annotations

from collections.abc import Sequence

from session_service.application.ports.reading import History, Readers, SessionSelection
from session_service.domain.policies import policy_of
from session_service.domain.practice_session import PracticeSession


class ListSessions:
    """Reads a user's sessions, newest first. Raises ProductUnknownError."""

    def __init__(self, readers: Readers) -> None:
        self._readers = readers

    async def __call__(self, selection: SessionSelection) -> Sequence[PracticeSession]:
        """Returns at most `selection.limit` sessions."""
        if selection.product:
            policy_of(selection.product)
        return await self._readers.list(selection)

    async def page(self, selection: SessionSelection) -> History:
        """Returns a part with the total, both as of one moment."""
        return await self._readers.history(selection)

    async def total(self, selection: SessionSelection) -> int:
        """Returns how many sessions there are in all, for lists that skip and tell."""
        return await self._readers.count(selection)
