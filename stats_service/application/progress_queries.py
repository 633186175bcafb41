"""Shows what a learner's practice adds up to; changes nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from stats_service.application.freshness import Followers, Waiting
from stats_service.application.ports.clock import Clock
from stats_service.application.ports.reading import AwardedBadge, Reader
from stats_service.application.today import (
    Now,
    Today,
    day_of,
    invalid_span,
    is_pending,
    possible_days,
)
from stats_service.domain.completion import ALL_PRODUCTS
from stats_service.domain.protection import StreakProtection
from stats_service.domain.standing import Standing, Tally
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

    @property
    def reached(self) -> tuple[Tally, int, Streaks]:
        """What of it changes by practice, and not as days pass."""
        return self.tally, self.day_count, self.streaks


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
        product = product or ALL_PRODUCTS
        learner, standing, protection = await self._reader.together(
            self._reader.learner(user_id),
            self._reader.standing(user_id, product),
            self._reader.protection(user_id),
        )
        return _standing_at(self._today.of(learner, min_user_seq, time_zone), product, standing, protection)


def _standing_at(now: Now, product: str, standing: Standing, protection: StreakProtection) -> StandingToday:
    days = standing.days
    told = streaks_of(days, protection.with_transition(now.transition), product, now.today)
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
        product = product or ALL_PRODUCTS
        learner, standing, protection, awards = await self._reader.together(
            self._reader.learner(user_id),
            self._reader.standing(user_id, product),
            self._reader.protection(user_id),
            self._reader.awards(user_id, session_id=session_id),
        )
        now = self._today.of(learner, min_user_seq, time_zone)
        return CompletionEffects(_standing_at(now, product, standing, protection), awards)


@dataclass(frozen=True, slots=True)
class Statistics:
    """What a learner has reached and earned with their events up to `applied_through`, or what of it is news.

    `whole` when it is all there is.
    """

    applied_through: int
    standings: Sequence[StandingToday]
    badges: Sequence[AwardedBadge]
    whole: bool = True

    def since(self, told: Told) -> Statistics:
        """Returns what of it was told otherwise, or not at all."""
        return Statistics(
            self.applied_through,
            [each for each in self.standings if told.reached.get(each.product) != each.reached],
            [awarded for awarded in self.badges if awarded.award not in told.awards],
            whole=False,
        )


class Told:
    """What somebody who watches was told, as far as it is needed to know what is news to them."""

    __slots__ = ("awards", "reached")

    def __init__(self, statistics: Statistics) -> None:
        self.reached = {each.product: each.reached for each in statistics.standings}
        self.awards = {awarded.award for awarded in statistics.badges}


class WatchStatistics:
    """Gives all that a learner has reached, then what has changed whenever more of their events are counted.

    Reads when it hears that they are, and not at all in between.
    """

    def __init__(self, reader: Reader, followers: Followers, today: Today) -> None:
        self._reader = reader
        self._followers = followers
        self._today = today

    async def __call__(
        self, user_id: int, seen: int | None, *, time_zone: str | None = None
    ) -> AsyncIterator[Statistics | None]:
        """Yields None once it watches, then what there is to tell, without end.

        `seen` is how far they were counted in what was told before: nothing is told until that changes,
        and then all there is.
        """
        told: Told | None = None
        # Before the first look, so that what is counted during it is heard.
        with self._followers.following(user_id) as followed:
            while True:
                now = await self._read(user_id, time_zone)
                if told is None:
                    yield None
                if now.applied_through != seen:
                    yield now.since(told) if told else now
                if told is None or now.applied_through != seen:
                    told, seen = Told(now), now.applied_through
                await followed.beyond(now.applied_through)

    async def _read(self, user_id: int, time_zone: str | None) -> Statistics:
        learner, standings, protection, awards = await self._reader.together(
            self._reader.learner(user_id),
            self._reader.standings(user_id),
            self._reader.protection(user_id),
            self._reader.awards(user_id),
        )
        now = self._today.of(learner, 0, time_zone)
        of_all = standings.get(ALL_PRODUCTS, Standing())
        others = sorted((product, each) for product, each in standings.items() if product != ALL_PRODUCTS)
        told = [_standing_at(now, *each, protection) for each in ((ALL_PRODUCTS, of_all), *others)]
        return Statistics(learner.applied_through, told, awards)


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
        now = self._clock()
        learner, standing, days = await self._reader.together(
            self._reader.learner(user_id),
            self._reader.standing(user_id, product),
            # The learner says which day it is, so these are all that may be asked for.
            self._reader.days(user_id, product, *_widest_span(first, last, now)),
        )
        last = last or max(day_of(learner, now, time_zone), _newest_day(standing))
        first = first or max(date.min + _DEFAULT_SPAN, last) - _DEFAULT_SPAN
        if not timedelta(0) <= last - first <= _LONGEST_SPAN:
            raise invalid_span(f"The last day must be 0 to {_LONGEST_SPAN.days} days after the first")
        chosen = [(day, tally) for day, tally in days if first <= day <= last]
        return DailyProgress(product, chosen, is_pending(learner, min_user_seq))


def _widest_span(first: date | None, last: date | None, now: datetime) -> tuple[date, date]:
    """Returns a span around every one that the learner's day, which is not known, can make valid."""
    span = _LONGEST_SPAN if first else _DEFAULT_SPAN
    earliest = max(date.min + span, last or possible_days(now)[0]) - span
    return max(first or date.min, earliest), last or date.max


def _newest_day(standing: Standing) -> date:
    """Returns the newest day with practice; flying west over the date line puts it after today."""
    return standing.spans[-1][1] if standing.spans else date.min


class GetApplied:
    """Reads which events are facts; changes nothing."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def __call__(self, event_ids: Collection[UUID]) -> tuple[Collection[UUID], Mapping[UUID, str]]:
        """Returns the events that are facts, and those refused for good with the reason.

        An event that is a fact is never among the refused, even if somebody
        sent another content under its id.
        """
        rejected, applied = await self._reader.together(
            self._reader.rejected(event_ids), self._reader.applied(event_ids)
        )
        return applied, {key: reason for key, reason in rejected.items() if key not in set(applied)}
