"""Explains a total by the days it is made of and the sessions that are not in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from stats_service.application.knowing import LONGEST_PAGE
from stats_service.application.ports.explanations import ExplanationReader, Total
from stats_service.application.ports.surroundings import Clock
from stats_service.domain.completion import ALL_PRODUCTS
from stats_service.domain.sessions import KnownSession
from stats_service.domain.standing import Tally


@dataclass(frozen=True, slots=True)
class TotalExplained:
    """A total with a page of its days; `more` is the day to go on after, if any."""

    product: str
    total: Total
    instant: datetime
    days: Sequence[tuple[date, Tally]]
    left_out: Sequence[KnownSession]
    more: date | None


class ExplainTotal:
    """Reads facts; changes nothing."""

    def __init__(self, reader: ExplanationReader, clock: Clock) -> None:
        self._reader = reader
        self._clock = clock

    async def __call__(
        self, user_id: int, product: str, *, at: datetime | None, after: date | None, most: int
    ) -> TotalExplained:
        """Explains the total of a product, of all when empty, as known at an instant.

        Its days are told after `after`, at most so many.
        """
        product, now = product or ALL_PRODUCTS, self._clock()
        total = await self._reader.total(user_id, product, at)
        days = await self._reader.days(user_id, product, after, at, limit=most + 1)
        more = days[most - 1][0] if len(days) > most else None
        left_out = await self._reader.left_out(user_id, product, after, more, at, limit=LONGEST_PAGE)
        return TotalExplained(product, total, min(at, now) if at else now, days[:most], left_out, more)
