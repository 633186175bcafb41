"""Shows every day of a year."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from stats_service.application.own_days import Today
from stats_service.application.ports.reading import Reader
from stats_service.domain.completion import ALL_PRODUCTS
from stats_service.domain.heatmaps import Heatmap, heatmap


@dataclass(frozen=True, slots=True)
class YearToday:
    """A year as told on one of the person's own days."""

    year: int
    product: str
    heatmap: Heatmap
    as_of: date
    pending: bool


class GetHeatmap:
    """Reads a year; changes nothing."""

    def __init__(self, reader: Reader, today: Today) -> None:
        self._reader = reader
        self._today = today

    async def __call__(
        self, user_id: int, product: str, year: int, *, min_user_seq: int = 0, time_zone: str | None = None
    ) -> YearToday:
        """Returns a year in a product, in all together when empty; of the person's today when 0."""
        product = product or ALL_PRODUCTS
        now = await self._today(user_id, min_user_seq, time_zone)
        year = year or now.today.year
        tallies = dict(
            await self._reader.days(user_id, product, date(year, 1, 1), date(year, 12, 31)),
        )
        practised = (await self._reader.standing(user_id, product)).days
        keeping = (await self._reader.keeping(user_id)).turned(now.cut)
        told = heatmap(year, tallies, practised, keeping, product=product, today=now.today)
        return YearToday(year, product, told, now.today, now.pending)
