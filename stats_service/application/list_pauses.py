"""Lists a person's pauses."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from stats_service.application.pauses import Pause, pauses_of
from stats_service.application.ports.streaks import StreakReader

# The first day and the id of the last pause of a page.
PausePlace = tuple[date, UUID]


class ListPauses:
    """Reads pauses; changes nothing."""

    def __init__(self, streak_reader: StreakReader) -> None:
        self._streak_reader = streak_reader

    async def __call__(self, user_id: int, *, after: PausePlace | None, limit: int) -> Sequence[Pause]:
        """Returns at most `limit` pauses after a place, the latest first day first."""
        pauses = pauses_of(await self._streak_reader.entries(user_id))
        ordered = sorted(pauses, key=place_of, reverse=True)
        return [pause for pause in ordered if after is None or place_of(pause) < after][:limit]


def place_of(pause: Pause) -> PausePlace:
    """Returns where a pause stands in the list."""
    return (pause.first, pause.pause_id)
