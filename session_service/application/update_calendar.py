"""Lets callers say how their days run."""

from __future__ import annotations

from service_kit.call import Call
from service_kit.once import once
from service_kit.time_zones import known_time_zone
from service_kit.zone_handover import ToldCalendars
from session_service.application.changing_calendars import change_calendar
from session_service.application.ports.surroundings import Clock
from session_service.application.ports.unit_of_work import UnitOfWork, UnitOfWorkFactory
from session_service.domain.learner import Learner


class UpdateCalendar:
    """Puts a zone, a rollover hour or both in force from now on. Idempotent by the call's key."""

    def __init__(self, unit_of_work: UnitOfWorkFactory, clock: Clock, stored: ToldCalendars) -> None:
        self._unit_of_work = unit_of_work
        self._clock = clock
        self._stored = stored

    async def __call__(
        self, call: Call, *, time_zone: str | None = None, rollover_hour: int | None = None
    ) -> Learner:
        """Returns what is known of the caller now; None leaves a field as it was.

        Raises InvalidArgumentError with TIME_ZONE_UNKNOWN.
        """
        if time_zone is not None:
            known_time_zone(time_zone)

        async def command(work: UnitOfWork) -> Learner:
            await change_calendar(
                work, call.user_id, now=self._clock(), time_zone=time_zone, rollover_hour=rollover_hour
            )
            return await work.learners.find(call.user_id)

        updated = await once(self._unit_of_work, call, Learner, command)
        # A zone that the client goes on sending is to win again.
        self._stored.forget(call.user_id)
        return updated
