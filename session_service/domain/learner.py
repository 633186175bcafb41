"""A user as this service knows them, and changes of their calendar."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from service_kit.time_zones import is_same_zone
from session_service.domain.days import Calendar

# Two changes of a user never share an instant: it says which one is in force.
_NEXT_INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarChange:
    """A calendar from the instant on at which it was put in force. `id` is 0 until it is stored.

    `user_seq` is its place among the user's events.
    """

    id: int = 0
    user_id: int
    user_seq: int
    effective_at: datetime
    calendar: Calendar
    signed_up_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Learner:
    """A user as the service knows them.

    `last_seq` is the place of their newest event, `effective_at` when their
    calendar was put in force, None while it is the default one.
    """

    user_id: int
    last_seq: int = 0
    calendar: Calendar = field(default_factory=Calendar)
    effective_at: datetime | None = None
    signed_up_at: datetime | None = None

    def change(
        self,
        now: datetime,
        *,
        time_zone: str | None = None,
        rollover_hour: int | None = None,
        signed_up_at: datetime | None = None,
    ) -> CalendarChange | None:
        """Returns the change that puts these in force, None when nothing of it is news.

        What is None stays as it was, and so does a zone that is only named
        otherwise: devices that say `Asia/Calcutta` and `Asia/Kolkata` agree.
        The sign-up that was told first stays. A change takes effect after the
        one before it, whatever the clock says.
        """
        if time_zone is None or is_same_zone(time_zone, self.calendar.time_zone):
            time_zone = self.calendar.time_zone
        calendar = replace(
            self.calendar,
            time_zone=time_zone,
            rollover_hour=self.calendar.rollover_hour if rollover_hour is None else rollover_hour,
        )
        signed_up_at = self.signed_up_at or signed_up_at
        if (calendar, signed_up_at) == (self.calendar, self.signed_up_at):
            return None
        earliest = now if self.effective_at is None else self.effective_at + _NEXT_INSTANT
        return CalendarChange(
            user_id=self.user_id,
            user_seq=self.last_seq + 1,
            effective_at=max(now, earliest),
            calendar=calendar,
            signed_up_at=signed_up_at,
        )
