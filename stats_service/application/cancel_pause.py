"""Lets people end a planned pause early, or call it off."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID, uuid4

from service_kit.call import Call
from stats_service.application.pauses import Pause, pauses_of
from stats_service.application.ports.streaks import StreakWork
from stats_service.application.recording import Recording
from stats_service.domain.errors import PauseNotFoundError
from stats_service.domain.keeping import PauseCancelled
from stats_service.domain.streak_changes import check_cancellation


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

        return await self._recording.by_person(call, Pause, command)
