"""Lets people say on which weekdays they rest."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime
from uuid import uuid4

from service_kit.call import Call
from stats_service.application.ports.streaks import StreakWork
from stats_service.application.recording import Recording
from stats_service.domain.keeping import RestDays
from stats_service.domain.streak_changes import check_first_day


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

        return await self._recording.by_person(call, RestDays, command)
