"""Calendars of users: convert, call the use case, convert back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import grpc
from practice.session.v1 import calendar_pb2
from practice.session.v1 import calendar_service_pb2 as pb2
from practice.session.v1.calendar_service_pb2_grpc import (
    CalendarServiceServicer,
    LearnerAdminServiceServicer,
)

from service_kit.call import current_call
from service_kit.time_zones import known_time_zone
from session_service.adapters.events import instant_to_proto
from session_service.application.calendars import GetCalendar, RememberCalendar, UpdateCalendar
from session_service.domain.days import Calendar

Context = grpc.aio.ServicerContext[Any, Any]

SERVICE = "practice.session.v1.CalendarService"
ADMIN_SERVICE = "practice.session.v1.LearnerAdminService"


@dataclass(frozen=True, slots=True)
class UseCases:
    """What is asked of calendars."""

    get_calendar: GetCalendar
    update_calendar: UpdateCalendar


class CalendarServicer(CalendarServiceServicer):
    """Serves users their calendars."""

    def __init__(self, use_cases: UseCases) -> None:
        self._use = use_cases

    async def GetCalendar(self, request: pb2.GetCalendarRequest, context: Context) -> pb2.GetCalendarResponse:
        """Returns the caller's calendar and those before it."""
        learner, changes = await self._use.get_calendar(current_call())
        return pb2.GetCalendarResponse(
            calendar=_calendar_to_proto(learner.calendar, learner.effective_at, learner.signed_up_at),
            history=[
                _calendar_to_proto(change.calendar, change.effective_at, change.signed_up_at)
                for change in changes
            ],
        )

    async def UpdateCalendar(
        self, request: pb2.UpdateCalendarRequest, context: Context
    ) -> calendar_pb2.Calendar:
        """Puts a zone, a rollover hour or both in force."""
        learner = await self._use.update_calendar(
            current_call(),
            time_zone=request.time_zone if request.HasField("time_zone") else None,
            rollover_hour=request.rollover_hour if request.HasField("rollover_hour") else None,
        )
        return _calendar_to_proto(learner.calendar, learner.effective_at, learner.signed_up_at)


class LearnerAdminServicer(LearnerAdminServiceServicer):
    """Serves other services that know something of a user."""

    def __init__(self, remember_calendar: RememberCalendar) -> None:
        self._remember_calendar = remember_calendar

    async def RememberCalendar(
        self, request: pb2.RememberCalendarRequest, context: Context
    ) -> pb2.RememberCalendarResponse:
        """Remembers what another service heard of a user."""
        zone = known_time_zone(request.time_zone) if request.time_zone else None
        signed_up_at = request.sign_up_time.ToDatetime(UTC) if request.HasField("sign_up_time") else None
        await self._remember_calendar(request.user_id, zone, signed_up_at)
        return pb2.RememberCalendarResponse()


def _calendar_to_proto(
    calendar: Calendar, effective_at: datetime | None, signed_up_at: datetime | None
) -> calendar_pb2.Calendar:
    message = calendar_pb2.Calendar(time_zone=calendar.time_zone, rollover_hour=calendar.rollover_hour)
    if effective_at is not None:
        message.effective_time.CopyFrom(instant_to_proto(effective_at))
    if signed_up_at is not None:
        message.sign_up_time.CopyFrom(instant_to_proto(signed_up_at))
    return message
