"""Lists a person's rest days."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from stats_service.application.own_days import Today
from stats_service.application.ports.streaks import StreakReader
from stats_service.domain.keeping import RestDays, rest_settings


class ListRestDays:
    """Reads rest days; changes nothing."""

    def __init__(self, streak_reader: StreakReader, today: Today) -> None:
        self._streak_reader = streak_reader
        self._today = today

    async def __call__(self, user_id: int, *, time_zone: str | None = None) -> Sequence[RestDays]:
        """Returns those in force today, if any, then those to come; for each date the last recorded."""
        today = (await self._today(user_id, 0, time_zone)).today
        by_date: dict[date, RestDays] = {}
        for each in rest_settings(await self._streak_reader.entries(user_id)):
            # The latest first, and of one date the one that is in force.
            by_date.setdefault(each.effective_date, each)
        past = [day for day in by_date if day <= today]
        return [by_date[day] for day in sorted(by_date) if not past or day >= max(past)]
