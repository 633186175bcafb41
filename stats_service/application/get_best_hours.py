"""Shows at which hours a person practises."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from stats_service.application.own_days import Today, too_long
from stats_service.application.ports.summaries import SummaryReader
from stats_service.domain.best_hours import BestHours, best_hours
from stats_service.domain.completion import ALL_PRODUCTS

_LONGEST_SPAN = timedelta(days=366)
_DEFAULT_SPAN = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class HoursOfDays:
    """The hours over a span of days, both ends included."""

    first: date
    last: date
    hours: BestHours
    pending: bool


class GetBestHours:
    """Reads completions by hour; changes nothing."""

    def __init__(self, summaries: SummaryReader, today: Today) -> None:
        self._summaries = summaries
        self._today = today

    async def __call__(
        self,
        user_id: int,
        product: str,
        first: date | None,
        last: date | None,
        *,
        min_user_seq: int = 0,
        time_zone: str | None = None,
    ) -> HoursOfDays:
        """Returns the hours of a product, of all together when empty.

        `last` defaults to the person's today, `first` to 90 days before. Raises
        InvalidArgumentError when the days are in the wrong order or more than
        366 days apart.
        """
        now = await self._today(user_id, min_user_seq, time_zone)
        last = last or now.today
        first = first or max(date.min + _DEFAULT_SPAN, last) - _DEFAULT_SPAN
        if not timedelta(0) <= last - first <= _LONGEST_SPAN:
            raise too_long(f"The last day must be 0 to {_LONGEST_SPAN.days} days after the first")
        tallies = await self._summaries.hours(user_id, product or ALL_PRODUCTS, first, last)
        return HoursOfDays(first, last, best_hours(tallies), now.pending)
