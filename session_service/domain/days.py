"""Calendars: which of a user's own days an instant falls on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from service_kit import time_zones

EARLIEST = datetime.min.replace(tzinfo=UTC)
LATEST = datetime.max.replace(tzinfo=UTC)
# Of who never said one.
DEFAULT_ZONE = "UTC"


@dataclass(frozen=True, slots=True)
class Calendar:
    """How a user's days run: an IANA zone and the hour, 0 to 23, at which a day turns."""

    time_zone: str = DEFAULT_ZONE
    rollover_hour: int = 0

    def local_date(self, instant: datetime) -> date:
        """Returns the day an instant falls on; the turning instant belongs to the new day.

        Read off the wall clock, never counted in spans of 86,400 seconds, so
        days of 23 and 25 hours are days like any other.
        """
        wall = instant.astimezone(time_zones.time_zone(self.time_zone))
        if wall.hour < self.rollover_hour:
            return wall.date() - timedelta(days=1)
        return wall.date()

    def start_of(self, day: date) -> datetime:
        """Returns the first instant of a day.

        Where clocks spring over the turning hour, the day begins as they do.
        """
        turn = datetime.combine(day, time(self.rollover_hour), time_zones.time_zone(self.time_zone))
        return in_utc(turn)

    def end_of(self, day: date) -> datetime:
        """Returns the first instant after a day; after the last day, the last there is."""
        return LATEST if day == date.max else self.start_of(day + timedelta(days=1))


def in_utc(instant: datetime) -> datetime:
    """Returns an instant in UTC; one before the year 1 or after 9999 there is the first or last there is."""
    try:
        return instant.astimezone(UTC)
    except OverflowError:
        return EARLIEST if instant.year == EARLIEST.year else LATEST


@dataclass(frozen=True, slots=True)
class RolloverTurn:
    """From an instant on, a user's days turn at this hour."""

    effective_at: datetime
    rollover_hour: int


def rollover_hour_at(instant: datetime, turns: Sequence[RolloverTurn]) -> int:
    """Returns the hour in force at an instant, of turns in their order; the default one before the first."""
    in_force = [turn.rollover_hour for turn in turns if turn.effective_at <= instant]
    return in_force[-1] if in_force else Calendar().rollover_hour
