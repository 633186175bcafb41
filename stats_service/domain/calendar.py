"""Which day it is for a person."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError


@dataclass(frozen=True, slots=True)
class Calendar:
    """How a person's days run: an IANA zone and the hour, 0 to 23, at which a day turns."""

    time_zone: str = "UTC"
    rollover_hour: int = 0

    def day_of(self, instant: datetime) -> date:
        """Returns the day an instant falls on; the turning instant belongs to the new day.

        Read off the wall clock, so days of 23 and 25 hours are days like any
        other. A zone unknown to this machine reads as UTC: the day asked for
        may be off, the facts never are.
        """
        wall = instant.astimezone(_zone(self.time_zone))
        day = wall.date()
        return day - timedelta(days=1) if wall.hour < self.rollover_hour else day


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarChange:
    """A person's days run otherwise from an instant on, as the session service told it; it never changes.

    Instants are UTC; `sign_up_time` is None while it is not known when the
    person signed up. `user_seq` counts in one sequence with completions.
    """

    event_id: UUID
    user_id: int
    user_seq: int
    effective_time: datetime
    time_zone: str
    rollover_hour: int
    sign_up_time: datetime | None = None


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")
