"""Remembers the time zone a client sends."""

from __future__ import annotations

from collections import OrderedDict
from datetime import datetime, timedelta

from service_kit.call import Call
from session_service.application.ports import Clock, UnitOfWorkFactory

_REMEMBERED_USERS = 50_000
# Another process may have put another zone in force since.
_TRUSTED = timedelta(minutes=1)


class RememberTimeZone:
    """Puts the zone of a call's `x-time-zone` in force from now on.

    Clients send the same zone with each call, so what this process has seen
    last of a user is not written again within a minute. Idempotent.
    """

    def __init__(self, unit_of_work: UnitOfWorkFactory, clock: Clock) -> None:
        self._unit_of_work = unit_of_work
        self._clock = clock
        self._seen: OrderedDict[int, tuple[str, datetime]] = OrderedDict()

    async def __call__(self, call: Call) -> None:
        """Stores the zone when it is news."""
        zone = call.time_zone
        if zone is None or not call.user_id:
            return
        now = self._clock()
        seen, at = self._seen.get(call.user_id, ("", now))
        if seen == zone and abs(now - at) < _TRUSTED:
            return
        async with self._unit_of_work() as work:
            await work.learners.set_time_zone(call.user_id, zone, now)
            await work.commit()
        self._seen[call.user_id] = (zone, now)
        self._seen.move_to_end(call.user_id)
        if len(self._seen) > _REMEMBERED_USERS:
            self._seen.popitem(last=False)
