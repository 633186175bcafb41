"""What the use cases about summaries need from the outside."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Protocol

from stats_service.domain.best_hours import HourTally
from stats_service.domain.summaries import DayTally


class SummaryReader(Protocol):
    """Reads committed sums. Both ends of a span are included; the product may be `all`."""

    async def days_by_product(
        self, user_id: int, product: str, first: date, last: date
    ) -> Sequence[DayTally]:
        """Returns what a person practised on each day in each product, in order."""

    async def hours(self, user_id: int, product: str, first: date, last: date) -> Sequence[HourTally]:
        """Returns what a person practised on each weekday at each hour, in no order."""
