"""Lists what keeps a user's streaks, for operators."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from stats_service.application.ports.streaks import StreakReader
from stats_service.domain.keeping import Entry

# When the last entry of a page was recorded, and its id.
EntryPlace = tuple[datetime, UUID]


class ListStreakEntries:
    """Reads entries; changes nothing."""

    def __init__(self, streak_reader: StreakReader) -> None:
        self._streak_reader = streak_reader

    async def __call__(self, user_id: int, *, after: EntryPlace | None, limit: int) -> Sequence[Entry]:
        """Returns at most `limit` entries after a place, the newest first."""
        newest_first = reversed(await self._streak_reader.entries(user_id))
        return [each for each in newest_first if after is None or entry_place(each) < after][:limit]


def entry_place(entry: Entry) -> EntryPlace:
    """Returns where an entry stands in the list."""
    return (entry.recorded_at, entry.entry_id)
