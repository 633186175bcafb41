"""Lets people plan a time without practice."""

from __future__ import annotations

from datetime import date, datetime
from uuid import uuid4

from service_kit.call import Call
from stats_service.application.pauses import Pause
from stats_service.application.ports.streaks import StreakWork
from stats_service.application.recording import Recording
from stats_service.domain.keeping import PlannedPause
from stats_service.domain.streak_changes import check_pause


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

        return await self._recording.by_person(call, Pause, command)
