"""Remembers the time zone that a client sends, and when a user signed up."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime

from service_kit.call import Call
from service_kit.errors import AccountErasedError
from service_kit.zone_handover import ToldCalendars
from session_service.application.changing_calendars import change_calendar
from session_service.application.ports.surroundings import Clock
from session_service.application.ports.unit_of_work import UnitOfWorkFactory


class RememberCalendar:
    """Puts a user's zone in force from now on, and keeps when they signed up.

    What this process has stored of a user is not looked at again within a
    minute. Of a person who was erased nothing is remembered, without a word:
    what they read with a token of before is empty, and no fault. Idempotent.
    """

    def __init__(self, unit_of_work: UnitOfWorkFactory, clock: Clock, stored: ToldCalendars) -> None:
        self._unit_of_work = unit_of_work
        self._clock = clock
        self._stored = stored

    async def of_call(self, call: Call) -> None:
        """Remembers what a call says of its user."""
        if call.user_id:
            await self(call.user_id, call.time_zone, call.signed_up_at)

    async def __call__(self, user_id: int, time_zone: str | None, signed_up_at: datetime | None) -> None:
        """Stores what is news; None says nothing."""
        now = self._clock()
        if not self._stored.is_news(user_id, time_zone, signed_up_at, now.timestamp()):
            return
        with suppress(AccountErasedError):
            async with self._unit_of_work() as work:
                await change_calendar(work, user_id, now=now, time_zone=time_zone, signed_up_at=signed_up_at)
                await work.commit()
        self._stored.remember(user_id, time_zone, signed_up_at, now.timestamp())
