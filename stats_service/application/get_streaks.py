"""Returns a person's streaks in every product, day, week and month."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from stats_service.application.own_days import Today
from stats_service.application.ports.reading import Reader
from stats_service.application.ports.streaks import StreakReader
from stats_service.domain.completion import ALL_PRODUCTS
from stats_service.domain.standing import Standing
from stats_service.domain.streaks import Streaks, streaks_of


@dataclass(frozen=True, slots=True)
class StreaksToday:
    """Streaks by product as told on one of the person's own days, the one over all first."""

    streaks: Mapping[str, Streaks]
    as_of: date
    pending: bool


class GetStreaks:
    """Reads streaks; changes nothing."""

    def __init__(self, reader: Reader, streak_reader: StreakReader, today: Today) -> None:
        self._reader = reader
        self._streak_reader = streak_reader
        self._today = today

    async def __call__(
        self, user_id: int, *, min_user_seq: int = 0, time_zone: str | None = None
    ) -> StreaksToday:
        """Returns the streaks in all products practised, and over all."""
        now = await self._today(user_id, min_user_seq, time_zone)
        standings = await self._streak_reader.standings(user_id)
        keeping = (await self._reader.keeping(user_id)).turned(now.cut)
        products = (ALL_PRODUCTS, *sorted(standings.keys() - {ALL_PRODUCTS}))
        told = {
            product: streaks_of(standings.get(product, Standing()).days, keeping, product, now.today)
            for product in products
        }
        return StreaksToday(told, now.today, now.pending)
