"""Records what keeps a person's streaks, each request once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import date, datetime, timedelta
from typing import TypeVar

import structlog

from service_kit.call import Call
from service_kit.errors import LimitPolicy, RateLimitedError, UnavailableError
from service_kit.once import once
from stats_service.application.own_days import day_of
from stats_service.application.ports.streaks import OpenStreakWork, StreakWork
from stats_service.application.ports.surroundings import BackfillQueue, Clock
from stats_service.domain.keeping import Entry, FreezeGranted, Repaired

log = structlog.get_logger(__name__)

# Everything recorded is read with every streak, so nobody may record without end.
_MOST_CHANGES = 50
_WITHIN = timedelta(hours=24)

Outcome = TypeVar("Outcome")

# Checks the rules as of an instant and the person's day then, and records.
Command = Callable[[StreakWork, datetime, date], Awaitable[Outcome]]


class Recording:
    """Runs commands that record; one transaction each."""

    def __init__(self, open_work: OpenStreakWork, backfills: BackfillQueue, clock: Clock) -> None:
        self._open_work = open_work
        self._backfills = backfills
        self._clock = clock

    async def by_person(self, call: Call, outcome_type: type[Outcome], command: Command[Outcome]) -> Outcome:
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
        was recorded, and people left behind are looked for from time to time.
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
