"""Calendars: a user's time zone, and the hour at which their day begins."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime

from service_kit.call import Call, zone_in_force
from service_kit.errors import AccountErasedError
from service_kit.once import once
from service_kit.time_zones import is_same_zone, known_time_zone
from service_kit.zone_handover import KnownSignUps
from session_service.application.ports.clock import Clock
from session_service.application.ports.learners import CalendarReaders
from session_service.application.ports.readers import Readers
from session_service.application.ports.unit_of_work import UnitOfWork, UnitOfWorkFactory
from session_service.domain.events import CalendarChanged
from session_service.domain.learner import CalendarChange, Learner

_MOST_CHANGES = 100


class UpdateCalendar:
    """Puts a zone, a rollover hour or both in force from now on. Idempotent by the call's key."""

    def __init__(self, unit_of_work: UnitOfWorkFactory, clock: Clock) -> None:
        self._unit_of_work = unit_of_work
        self._clock = clock

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

        return await once(self._unit_of_work, call, Learner, command)


class RememberCalendar:
    """Puts a user's zone in force from now on, and keeps when they signed up.

    A zone is compared with the one in force, whatever this process was told
    before, for another may have been told another since: with the one that a
    statement of the call has read along, or else it is looked up. Of a user who
    was erased nothing is remembered, without a word: what they read with a token
    of before is empty, and no fault. Idempotent.
    """

    def __init__(
        self, unit_of_work: UnitOfWorkFactory, clock: Clock, readers: Readers, known: KnownSignUps
    ) -> None:
        self._unit_of_work = unit_of_work
        self._clock = clock
        self._readers = readers
        self._known = known

    def is_sign_up(self, call: Call) -> bool:
        """Tells whether a call says of a sign-up for the first time, as far as this process knows."""
        return bool(call.user_id) and self._known.is_new(call.user_id, call.signed_up_at)

    async def of_call(self, call: Call) -> None:
        """Remembers what a call says of its user."""
        if call.user_id:
            await self(call.user_id, call.time_zone, call.signed_up_at)

    async def __call__(self, user_id: int, time_zone: str | None, signed_up_at: datetime | None) -> None:
        """Stores what is news; None says nothing."""
        if not self._known.is_new(user_id, signed_up_at) and await self._is_in_force(user_id, time_zone):
            return
        with suppress(AccountErasedError):
            async with self._unit_of_work() as work:
                await change_calendar(
                    work, user_id, now=self._clock(), time_zone=time_zone, signed_up_at=signed_up_at
                )
                await work.commit()
        self._known.remember(user_id, signed_up_at)

    async def _is_in_force(self, user_id: int, time_zone: str | None) -> bool:
        if time_zone is None:
            return True
        in_force = zone_in_force()
        if in_force is None:
            in_force = (await self._readers.learner_mark(user_id)).calendar.time_zone
        return is_same_zone(time_zone, in_force)


async def change_calendar(
    work: UnitOfWork,
    user_id: int,
    *,
    now: datetime,
    time_zone: str | None = None,
    rollover_hour: int | None = None,
    signed_up_at: datetime | None = None,
) -> CalendarChange | None:
    """Puts what is news in force: the calendar, its place in the user's sequence, its event.

    All in the caller's transaction, as the end of a session is. Returns None,
    and writes nothing, when nothing is news.
    """
    # Nearly always nothing is: look before locking.
    found = await work.learners.find(user_id)
    if found.change(now, time_zone=time_zone, rollover_hour=rollover_hour, signed_up_at=signed_up_at) is None:
        return None
    learner = await work.learners.lock(user_id)
    change = learner.change(now, time_zone=time_zone, rollover_hour=rollover_hour, signed_up_at=signed_up_at)
    if change is None:
        return None
    stored = await work.learners.put_in_force(change)
    await work.outbox.add(CalendarChanged.of(stored))
    return stored


class GetCalendar:
    """Returns what is known of the caller and their newest changes of calendar, newest first."""

    def __init__(self, readers: CalendarReaders) -> None:
        self._readers = readers

    async def __call__(self, call: Call) -> tuple[Learner, Sequence[CalendarChange]]:
        """Returns both as of one moment."""
        return await self._readers.learner(call.user_id, _MOST_CHANGES)
