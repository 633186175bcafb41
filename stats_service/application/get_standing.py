"""Returns totals and the streaks of a person."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from stats_service.application.own_days import Today
from stats_service.application.ports.reading import Reader
from stats_service.domain.completion import ALL_PRODUCTS
from stats_service.domain.standing import Tally
from stats_service.domain.streaks import Streaks, streaks_of


@dataclass(frozen=True, slots=True)
class StandingToday:
    """A standing as told on one of the person's own days, with their events up to `applied_through`."""

    product: str
    tally: Tally
    day_count: int
    streaks: Streaks
    as_of: date
    pending: bool
    applied_through: int


class GetStanding:
    """Reads a standing; changes nothing."""

    def __init__(self, reader: Reader, today: Today) -> None:
        self._reader = reader
        self._today = today

    async def __call__(
        self, user_id: int, product: str, *, min_user_seq: int = 0, time_zone: str | None = None
    ) -> StandingToday:
        """Returns the standing in a product, all together when empty.

        "Today" is told by `time_zone`, or else by the person's last known one.
        """
        product = product or ALL_PRODUCTS
        now = await self._today(user_id, min_user_seq, time_zone)
        standing = await self._reader.standing(user_id, product)
        days = standing.days
        keeping = (await self._reader.keeping(user_id)).turned(now.cut)
        told = streaks_of(days, keeping, product, now.today)
        return StandingToday(
            product, standing.tally, len(days), told, now.today, now.pending, now.applied_through
        )
