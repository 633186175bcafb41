"""Sees to it that nobody's stored progress stays behind."""

from __future__ import annotations

from stats_service.application.ports.streaks import StreakReader
from stats_service.application.ports.surroundings import BackfillQueue


class CatchUp:
    """Asks for a backfill when somebody is behind: whoever changed something may not have been able to.

    Any number of copies may run it; a backfill with nothing to do is a query.
    """

    def __init__(self, streak_reader: StreakReader, backfills: BackfillQueue) -> None:
        self._streak_reader = streak_reader
        self._backfills = backfills

    async def __call__(self) -> None:
        """Raises UnavailableError when the queue does not answer. Idempotent."""
        if await self._streak_reader.anybody_outdated():
            await self._backfills.request()
