"""Shows what a learner's practice adds up to; changes nothing."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from stats_service.application.freshness import Waiting
from stats_service.application.ports.clock import Clock
from stats_service.application.ports.reading import AwardedBadge, Reader
from stats_service.application.today import Now, Today, day_of, invalid_span, is_pending
from stats_service.domain.completion import ALL_PRODUCTS
from stats_service.domain.standing import Tally
from stats_service.domain.streaks import Streaks, streaks_of


@dataclass(frozen=True, slots=True)
class StandingToday:
    """A standing as told on one of the learner's own days, with their events up to `applied_through`."""

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

        "Today" is told by `time_zone`, or else by the learner's last known one.
        """
        await self._today.wait(user_id, min_user_seq)
        async with self._reader.at_one_moment() as moment:
            now = self._today.of(await moment.learner(user_id), min_user_seq, time_zone)
            return await _read_standing(moment, user_id, product or ALL_PRODUCTS, now)


async def _read_standing(moment: Reader, user_id: int, product: str, now: Now) -> StandingToday:
    standing = await moment.standing(user_id, product)
    protection = (await moment.protection(user_id)).with_transition(now.transition)
    days = standing.days
    told = streaks_of(days, protection, product, now.today)
    return StandingToday(
        product, standing.tally, len(days), told, now.today, now.pending, now.applied_through
    )


@dataclass(frozen=True, slots=True)
class CompletionEffects:
    """The standing with the completion, and the badges that its session earned."""

    standing: StandingToday
    badges: Sequence[AwardedBadge]


class GetCompletionEffects:
    """Reads a standing and awards; changes nothing."""

    def __init__(self, reader: Reader, today: Today) -> None:
        self._reader = reader
        self._today = today

    async def __call__(
        self, user_id: int, product: str, session_id: int, *, min_user_seq: int, time_zone: str | None = None
    ) -> CompletionEffects:
        """Returns the effects of a session that ended, as far as they are counted (see `pending`)."""
        await self._today.wait(user_id, min_user_seq)
        async with self._reader.at_one_moment() as moment:
            now = self._today.of(await moment.learner(user_id), min_user_seq, time_zone)
            standing = await _read_standing(moment, user_id, product or ALL_PRODUCTS, now)
            return CompletionEffects(standing, await moment.awards(user_id, session_id=session_id))


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

        `last` defaults to the learner's today or newest day, `first` to 30 days before
        `last`. Raises InvalidArgumentError when they are in the wrong order or
        more than 366 days apart.
        """
        product = product or ALL_PRODUCTS
        await self._waiting.wait(user_id, min_user_seq)
        async with self._reader.at_one_moment() as moment:
            learner = await moment.learner(user_id)
            today = day_of(learner, self._clock(), time_zone)
            last = last or max(today, await _newest_day(moment, user_id, product))
            first = first or max(date.min + _DEFAULT_SPAN, last) - _DEFAULT_SPAN
            if not timedelta(0) <= last - first <= _LONGEST_SPAN:
                raise invalid_span(f"The last day must be 0 to {_LONGEST_SPAN.days} days after the first")
            days = await moment.days(user_id, product, first, last)
        return DailyProgress(product, days, is_pending(learner, min_user_seq))


async def _newest_day(moment: Reader, user_id: int, product: str) -> date:
    """Returns the newest day with practice; flying west over the date line puts it after today."""
    spans = (await moment.standing(user_id, product)).spans
    return spans[-1][1] if spans else date.min


class GetApplied:
    """Reads which events are facts; changes nothing."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def __call__(self, event_ids: Collection[UUID]) -> tuple[Collection[UUID], Mapping[UUID, str]]:
        """Returns the events that are facts, and those refused for good with the reason.

        An event that is a fact is never among the refused, even if somebody
        sent another content under its id.
        """
        # In this order, so that no event accepted between the two statements is told refused.
        rejected = await self._reader.rejected(event_ids)
        applied = await self._reader.applied(event_ids)
        return applied, {key: reason for key, reason in rejected.items() if key not in set(applied)}
