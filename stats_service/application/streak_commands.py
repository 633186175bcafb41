"""Records what protects a learner's streaks, each request once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TypeVar
from uuid import UUID, uuid4

from service_kit.call import Call
from service_kit.errors import LimitPolicy, RateLimitedError, UnavailableError
from service_kit.logging import get_logger
from service_kit.once import once
from stats_service.application.ports.badges import BackfillQueue
from stats_service.application.ports.clock import Clock
from stats_service.application.ports.streaks import OpenStreakWork, StreakWork
from stats_service.application.streak_queries import Pause, pauses_of
from stats_service.application.today import day_of
from stats_service.domain.completion import ALL_PRODUCTS
from stats_service.domain.errors import PauseNotFoundError
from stats_service.domain.protection import (
    DEFAULT_FREEZE_PURCHASES,
    Entry,
    FreezeGranted,
    PauseCancelled,
    PlannedPause,
    Repaired,
    RestDays,
)
from stats_service.domain.streak_changes import (
    check_cancellation,
    check_first_day,
    check_freeze,
    check_pause,
    check_purchases,
    check_repair,
    freezes_held,
)

log = get_logger(__name__)

# Everything recorded is read with every streak, so nobody may record without end.
_MOST_CHANGES = 50
_WITHIN = timedelta(hours=24)

Outcome = TypeVar("Outcome")

# Checks the rules as of an instant and the learner's day then, and records.
Command = Callable[[StreakWork, datetime, date], Awaitable[Outcome]]


class Recording:
    """Runs commands that record; one transaction each."""

    def __init__(self, open_work: OpenStreakWork, backfills: BackfillQueue, clock: Clock) -> None:
        self._open_work = open_work
        self._backfills = backfills
        self._clock = clock

    async def by_learner(self, call: Call, outcome_type: type[Outcome], command: Command[Outcome]) -> Outcome:
        """Runs a command of the caller's own. Idempotent by the call's key.

        Raises RateLimitedError for too many changes, and what `once` raises.
        """

        async def checked(work: StreakWork, now: datetime, today: date) -> Outcome:
            _check_rate(await work.entries(), now)
            return await command(work, now, today)

        return await self._run(call, call.user_id, call.time_zone, outcome_type, checked)

    async def by_operator(
        self, call: Call, user_id: int, outcome_type: type[Outcome], command: Command[Outcome]
    ) -> Outcome:
        """Runs a command on a user. Idempotent by the call's key. Raises what `once` raises."""
        # The operator's own zone says nothing about the user's day.
        return await self._run(call, user_id, None, outcome_type, command)

    async def _run(
        self,
        call: Call,
        user_id: int,
        time_zone: str | None,
        outcome_type: type[Outcome],
        command: Command[Outcome],
    ) -> Outcome:
        async def dated(work: StreakWork) -> Outcome:
            now = self._clock()
            return await command(work, now, day_of(await work.learner(), now, time_zone))

        outcome = await once(lambda: self._open_work(user_id), call, outcome_type, dated)
        await self._ask_for_backfill()
        return outcome

    async def _ask_for_backfill(self) -> None:
        """Has stored progress brought up to date.

        That it could not be asked for is no failure: streaks are told with what
        was recorded, and learners left behind are looked for from time to time.
        """
        try:
            await self._backfills.request()
        except UnavailableError as error:
            log.warning("backfill_not_requested", error=repr(error))


def _check_rate(entries: Sequence[Entry], now: datetime) -> None:
    own = (each.recorded_at for each in entries if not _is_operators(each))
    late = sorted(instant for instant in own if instant > now - _WITHIN)
    if len(late) >= _MOST_CHANGES:
        until = late[-_MOST_CHANGES] + _WITHIN
        raise RateLimitedError(
            f"At most {_MOST_CHANGES} changes in 24 hours",
            LimitPolicy("streak_changes", _MOST_CHANGES, int(_WITHIN.total_seconds())),
            limit=_MOST_CHANGES,
            remaining=0,
            retry_after=max(1, int((until - now).total_seconds())),
        )


def _is_operators(entry: Entry) -> bool:
    return isinstance(entry, Repaired) or (isinstance(entry, FreezeGranted) and entry.source == "granted")


class SetRestDays:
    """Records rest days. Idempotent by the call's key."""

    def __init__(self, recording: Recording) -> None:
        self._recording = recording

    async def __call__(self, call: Call, weekdays: Collection[int], effective_date: date | None) -> RestDays:
        """Makes weekdays, 0 Monday to 6 Sunday, rest days from a day on, today when None.

        Raises DateOutOfRangeError, and what Recording raises.
        """

        async def command(work: StreakWork, now: datetime, today: date) -> RestDays:
            effective = effective_date or today
            check_first_day("effective_date", effective, today)
            return await work.record(
                RestDays(
                    entry_id=uuid4(),
                    recorded_at=now,
                    effective_date=effective,
                    weekdays=frozenset(weekdays),
                )
            )

        return await self._recording.by_learner(call, RestDays, command)


class PlanPause:
    """Records a pause. Idempotent by the call's key."""

    def __init__(self, recording: Recording) -> None:
        self._recording = recording

    async def __call__(self, call: Call, first: date, last: date) -> Pause:
        """Plans the days `first` to `last`, both included.

        Raises DateOutOfRangeError, PauseTooLongError, PauseOverlapsError, and
        what Recording raises.
        """

        async def command(work: StreakWork, now: datetime, today: date) -> Pause:
            check_pause(first, last, await work.entries(), today)
            planned = await work.record(
                PlannedPause(entry_id=uuid4(), recorded_at=now, first=first, last=last)
            )
            return Pause(planned.entry_id, first, last, last, planned.recorded_at)

        return await self._recording.by_learner(call, Pause, command)


class CancelPause:
    """Records a cancellation. Idempotent by the call's key."""

    def __init__(self, recording: Recording) -> None:
        self._recording = recording

    async def __call__(self, call: Call, pause_id: UUID, from_date: date | None) -> Pause:
        """Makes a day, today when None, the first that is no pause any more.

        One that is cancelled from that day or an earlier one stays as it is.
        Raises PauseNotFoundError, PauseOverError, DateOutOfRangeError, and what
        Recording raises.
        """

        async def command(work: StreakWork, now: datetime, today: date) -> Pause:
            entries = await work.entries()
            found = next((each for each in pauses_of(entries) if each.pause_id == pause_id), None)
            if found is None:
                raise PauseNotFoundError(pause_id)
            since = from_date or today
            if found.end < found.last and found.end < since:
                return found
            check_cancellation(found.end, since, today)
            await work.record(
                PauseCancelled(entry_id=uuid4(), recorded_at=now, pause_id=pause_id, from_date=since)
            )
            (changed,) = [each for each in pauses_of(await work.entries()) if each.pause_id == pause_id]
            return changed

        return await self._recording.by_learner(call, Pause, command)


@dataclass(frozen=True, slots=True)
class FreezesHeld:
    """How many freezes are held for a streak, and how many can be."""

    product: str
    held: int
    limit: int


class BuyFreeze:
    """Records a freeze that was bought. Idempotent by the call's key."""

    def __init__(
        self, recording: Recording, freeze_limit: int, purchases: int = DEFAULT_FREEZE_PURCHASES
    ) -> None:
        """At most `freeze_limit` freezes can be held for a streak, and `purchases` bought in 30 days."""
        self._recording = recording
        self._freeze_limit = freeze_limit
        self._purchases = purchases

    async def __call__(self, call: Call, product: str) -> FreezesHeld:
        """Adds a freeze, held from today on, to a product's streak, the one over all when empty.

        Raises FreezeLimitReachedError, FreezePurchasesUsedUpError, and what Recording raises.
        """
        product = product or ALL_PRODUCTS

        async def command(work: StreakWork, now: datetime, today: date) -> FreezesHeld:
            held = freezes_held(await work.days(product), await work.protection(), product, today)
            check_freeze(held, product, self._freeze_limit)
            check_purchases(await work.entries(), now, self._purchases)
            await work.record(
                FreezeGranted(
                    entry_id=uuid4(),
                    recorded_at=now,
                    product=product,
                    day=today,
                    source="bought",
                    held_at_most=self._freeze_limit,
                )
            )
            return FreezesHeld(product, held + 1, self._freeze_limit)

        return await self._recording.by_learner(call, FreezesHeld, command)


class GrantFreeze:
    """Records a freeze with who granted it and why. Idempotent by the call's key."""

    def __init__(self, recording: Recording, freeze_limit: int) -> None:
        """At most `freeze_limit` freezes can be held for a streak."""
        self._recording = recording
        self._freeze_limit = freeze_limit

    async def __call__(
        self, call: Call, user_id: int, product: str, *, actor: str, reason: str
    ) -> FreezeGranted:
        """Adds a freeze, held from the user's today on, to a product's streak, the one over all when empty.

        Raises FreezeLimitReachedError, and what Recording raises.
        """
        product = product or ALL_PRODUCTS

        async def command(work: StreakWork, now: datetime, today: date) -> FreezeGranted:
            held = freezes_held(await work.days(product), await work.protection(), product, today)
            check_freeze(held, product, self._freeze_limit)
            return await work.record(
                FreezeGranted(
                    entry_id=uuid4(),
                    recorded_at=now,
                    product=product,
                    day=today,
                    actor=actor,
                    reason=reason,
                    held_at_most=self._freeze_limit,
                )
            )

        return await self._recording.by_operator(call, user_id, FreezeGranted, command)


class RepairStreak:
    """Records a repair with who did it and why. Idempotent by the call's key."""

    def __init__(self, recording: Recording) -> None:
        self._recording = recording

    async def __call__(
        self, call: Call, user_id: int, product: str, day: date, *, actor: str, reason: str
    ) -> Repaired:
        """Keeps a missed day for a product's streak, the one over all when empty.

        Raises RepairDayNotOverError, RepairNotNeededError,
        RepairWithoutStreakError, and what Recording raises.
        """
        product = product or ALL_PRODUCTS

        async def command(work: StreakWork, now: datetime, today: date) -> Repaired:
            check_repair(await work.days(product), await work.protection(), product, day, today)
            return await work.record(
                Repaired(
                    entry_id=uuid4(),
                    recorded_at=now,
                    product=product,
                    day=day,
                    actor=actor,
                    reason=reason,
                )
            )

        return await self._recording.by_operator(call, user_id, Repaired, command)
