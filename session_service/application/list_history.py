"""Lists what a user has practised and ended."""

from __future__ import annotations

from dataclasses import replace

from session_service.application.ports.learners import LearnerMark
from session_service.application.ports.reading import History, Readers, SessionSelection
from session_service.domain.states import State

_ENDED = frozenset(state for state in State if not state.is_open)


class ListHistory:
    """Reads a part of a user's ended sessions with their total, as of one moment."""

    def __init__(self, readers: Readers) -> None:
        self._readers = readers

    async def __call__(self, selection: SessionSelection) -> History:
        """Returns the ended ones of a selection."""
        return await self._readers.history(replace(selection, states=_ENDED))

    async def mark(self, user_id: int) -> LearnerMark:
        """Returns the mark that changes whenever the user's history does, which is cheap to read."""
        return await self._readers.learner_mark(user_id)
