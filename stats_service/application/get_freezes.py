"""Returns the freezes of a person's streak and what became of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from stats_service.application.own_days import Today
from stats_service.application.ports.reading import Reader
from stats_service.application.ports.streaks import FreezeChange, FreezeEvent, LedgerPlace, StreakReader
from stats_service.domain.completion import ALL_PRODUCTS
from stats_service.domain.streaks import streaks_of


@dataclass(frozen=True, slots=True)
class Freezes:
    """The freezes held on one of the person's own days, and a page of the ledger, the newest first.

    `changes` begins, on the first page, with what is so today and has not been
    written into the ledger. `more` is the place to go on after, None on the
    last page.
    """

    product: str
    held: int
    as_of: date
    changes: Sequence[FreezeChange]
    more: LedgerPlace | None


class GetFreezes:
    """Reads freezes; changes nothing."""

    def __init__(self, reader: Reader, streak_reader: StreakReader, today: Today) -> None:
        self._reader = reader
        self._streak_reader = streak_reader
        self._today = today

    async def __call__(
        self,
        user_id: int,
        product: str,
        *,
        after: LedgerPlace | None,
        limit: int,
        time_zone: str | None = None,
    ) -> Freezes:
        """Returns the freezes of a product's streak, of the one over all when empty."""
        product = product or ALL_PRODUCTS
        now = await self._today(user_id, 0, time_zone)
        written = await self._streak_reader.frozen(user_id, product)
        ledger = await self._streak_reader.ledger(user_id, product, after=after, limit=limit + 1)
        standing = await self._reader.standing(user_id, product)
        keeping = (await self._reader.keeping(user_id)).turned(now.cut)
        streak = streaks_of(standing.days, keeping, product, now.today).day
        page = ledger[:limit]
        pending = _unwritten(product, written, streak.frozen) if after is None else []
        return Freezes(
            product,
            streak.held,
            now.today,
            [*pending, *page],
            _place_of(page[-1]) if len(ledger) > limit else None,
        )


def _unwritten(product: str, written: Sequence[date], now: Sequence[date]) -> Sequence[FreezeChange]:
    """Returns what the ledger will be told with the next practice, as far as it is so today."""
    changes: list[tuple[date, FreezeEvent]] = [(day, "used") for day in set(now) - set(written)]
    changes += [(day, "refunded") for day in set(written) - set(now)]
    return [FreezeChange(event, product, day) for day, event in sorted(changes, reverse=True)]


def _place_of(change: FreezeChange) -> LedgerPlace | None:
    return (change.recorded_at, change.place) if change.recorded_at and change.place else None
