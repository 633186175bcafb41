"""Lists what a person practised, day by day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from stats_service.application.own_days import day_of, too_long
from stats_service.application.ports.reading import Reader
from stats_service.application.ports.surroundings import Clock
from stats_service.application.waiting import Waiting
from stats_service.domain.completion import ALL_PRODUCTS
from stats_service.domain.standing import Tally

_DEFAULT_SPAN = timedelta(days=30)
_LONGEST_SPAN = timedelta(days=366)


@dataclass(frozen=True, slots=True)
class DailyProgress:
    """Days with practice, oldest first."""

    product: str
    days: Sequence[tuple[date, Tally]]
    pending: bool


class ListDailyProgress:
    """Reads daily progress; changes nothing."""

    def __init__(self, reader: Reader, waiting: Waiting, clock: Clock) -> None:
        self._reader = reader
        self._waiting = waiting
        self._clock = clock

    async def __call__(
        self,
        user_id: int,
        product: str,
        first: date | None,
        last: date | None,
        *,
        min_user_seq: int = 0,
        time_zone: str | None = None,
    ) -> DailyProgress:
        """Returns the days between two dates, both included.

        `last` defaults to the person's today or newest day, `first` to 30 days before
        `last`. Raises InvalidArgumentError when they are in the wrong order or
        more than 366 days apart.
        """
        product = product or ALL_PRODUCTS
        learner, pending = await self._waiting.until_counted(user_id, min_user_seq)
        today = day_of(learner, self._clock(), time_zone)
        last = last or max(today, await self._newest(user_id, product))
        first = first or max(date.min + _DEFAULT_SPAN, last) - _DEFAULT_SPAN
        if not timedelta(0) <= last - first <= _LONGEST_SPAN:
            raise too_long(f"The last day must be 0 to {_LONGEST_SPAN.days} days after the first")
        return DailyProgress(product, await self._reader.days(user_id, product, first, last), pending)

    async def _newest(self, user_id: int, product: str) -> date:
        """Returns the newest day with practice; flying west over the date line puts it after today."""
        spans = (await self._reader.standing(user_id, product)).spans
        return spans[-1][1] if spans else date.min
