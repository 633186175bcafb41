"""Shows a learner's streaks and what protects them; changes nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from stats_service.application.ports.reading import FreezeChange, FreezeEvent, LedgerPlace, Reader
from stats_service.application.today import Today
from stats_service.domain.completion import ALL_PRODUCTS
from stats_service.domain.protection import Entry, RestDays, pauses_with_ends, rest_settings
from stats_service.domain.standing import Standing
from stats_service.domain.streaks import Streaks, streaks_of


@dataclass(frozen=True, slots=True)
class StreaksToday:
    """Streaks by product as told on one of the learner's own days, the one over all first."""

    streaks: Mapping[str, Streaks]
    as_of: date
    pending: bool


class GetStreaks:
    """Reads streaks; changes nothing."""

    def __init__(self, reader: Reader, today: Today) -> None:
        self._reader = reader
        self._today = today

    async def __call__(
        self, user_id: int, *, min_user_seq: int = 0, time_zone: str | None = None
    ) -> StreaksToday:
        """Returns the streaks in all products practised, and over all."""
        await self._today.wait(user_id, min_user_seq)
        learner, standings, protection = await self._reader.together(
            self._reader.learner(user_id), self._reader.standings(user_id), self._reader.protection(user_id)
        )
        now = self._today.of(learner, min_user_seq, time_zone)
        protection = protection.with_transition(now.transition)
        products = (ALL_PRODUCTS, *sorted(standings.keys() - {ALL_PRODUCTS}))
        told = {
            product: streaks_of(standings.get(product, Standing()).days, protection, product, now.today)
            for product in products
        }
        return StreaksToday(told, now.today, now.pending)


@dataclass(frozen=True, slots=True)
class Freezes:
    """The freezes held on one of the learner's own days, and a page of the ledger, the newest first.

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

    def __init__(self, reader: Reader, today: Today) -> None:
        self._reader = reader
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
        learner, written, ledger, standing, protection = await self._reader.together(
            self._reader.learner(user_id),
            self._reader.frozen(user_id, product),
            self._reader.ledger(user_id, product, after=after, limit=limit + 1),
            self._reader.standing(user_id, product),
            self._reader.protection(user_id),
        )
        now = self._today.of(learner, 0, time_zone)
        protection = protection.with_transition(now.transition)
        streak = streaks_of(standing.days, protection, product, now.today).day
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


class ListRestDays:
    """Reads rest days; changes nothing."""

    def __init__(self, reader: Reader, today: Today) -> None:
        self._reader = reader
        self._today = today

    async def __call__(self, user_id: int, *, time_zone: str | None = None) -> Sequence[RestDays]:
        """Returns those in force today, if any, then those to come; for each date the last recorded."""
        learner, entries = await self._reader.together(
            self._reader.learner(user_id), self._reader.entries(user_id)
        )
        today = self._today.of(learner, 0, time_zone).today
        by_date: dict[date, RestDays] = {}
        for each in rest_settings(entries):
            # The latest first, and of one date the one that is in force.
            by_date.setdefault(each.effective_date, each)
        past = [day for day in by_date if day <= today]
        return [by_date[day] for day in sorted(by_date) if not past or day >= max(past)]


@dataclass(frozen=True, slots=True)
class Pause:
    """A planned pause; `end` is the last day that is one, before `first` when it was called off."""

    pause_id: UUID
    first: date
    last: date
    end: date
    recorded_at: datetime


def pauses_of(entries: Sequence[Entry]) -> Sequence[Pause]:
    """Returns every pause ever planned, in the order of its recording."""
    return [
        Pause(each.entry_id, each.first, each.last, end, each.recorded_at)
        for each, end in pauses_with_ends(entries)
    ]


# The first day and the id of the last pause of a page.
PausePlace = tuple[date, UUID]


class ListPauses:
    """Reads pauses; changes nothing."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def __call__(self, user_id: int, *, after: PausePlace | None, limit: int) -> Sequence[Pause]:
        """Returns at most `limit` pauses after a place, the latest first day first."""
        pauses = pauses_of(await self._reader.entries(user_id))
        ordered = sorted(pauses, key=pause_place, reverse=True)
        return [pause for pause in ordered if after is None or pause_place(pause) < after][:limit]


def pause_place(pause: Pause) -> PausePlace:
    """Returns where a pause stands in the list."""
    return (pause.first, pause.pause_id)


# When the last entry of a page was recorded, and its id.
EntryPlace = tuple[datetime, UUID]


class ListStreakEntries:
    """Reads entries; changes nothing."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def __call__(self, user_id: int, *, after: EntryPlace | None, limit: int) -> Sequence[Entry]:
        """Returns at most `limit` entries after a place, the newest first."""
        newest_first = reversed(await self._reader.entries(user_id))
        return [each for each in newest_first if after is None or entry_place(each) < after][:limit]


def entry_place(entry: Entry) -> EntryPlace:
    """Returns where an entry stands in the list."""
    return (entry.recorded_at, entry.entry_id)
