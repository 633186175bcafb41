"""The oracle's own clock: dates read off the wall, and lengths found by counting minutes.

Shares nothing with `stats_service.domain.calendar`, so that both cannot be
wrong the same way.
"""

from __future__ import annotations

import zoneinfo
from datetime import UTC, date, datetime, timedelta
from functools import cache, lru_cache
from typing import NamedTuple

MINUTES_OF_A_DAY = 1440
# Not zones: they are told as UTC. The last one is a folder of the zone database.
UNKNOWN_ZONES = ("Atlantis/Sunken", "../etc/passwd", "", "America")
_NOT_PLACES = {"localtime", "Factory", "posixrules"}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_ORDINAL = _EPOCH.toordinal()


class WallCalendar(NamedTuple):
    """A zone by its name and the hour at which a day turns."""

    zone: str
    rollover: int


def places() -> list[str]:
    """Returns every zone known here, in order."""
    return sorted(
        name
        for name in zoneinfo.available_timezones()
        if name not in _NOT_PLACES and not name.startswith(("posix/", "right/"))
    )


@cache
def _zone(name: str) -> zoneinfo.ZoneInfo:
    return zoneinfo.ZoneInfo(name if name in zoneinfo.available_timezones() else "UTC")


def moved_wall(instant: datetime, calendar: WallCalendar) -> datetime:
    """Returns the wall clock at an instant, moved back by the rollover hour, without a zone."""
    wall = instant.astimezone(_zone(calendar.zone)) - timedelta(hours=calendar.rollover)
    return datetime.combine(wall, wall.time())


def date_of(instant: datetime, calendar: WallCalendar) -> date:
    """Returns the date that a session ending at an instant is told with."""
    return (instant.astimezone(_zone(calendar.zone)) - timedelta(hours=calendar.rollover)).date()


def offset(zone_name: str, minute: int) -> int:
    """Returns the minutes that the wall clock is ahead of UTC, at a minute since 1970 began."""
    ahead = (_EPOCH + timedelta(minutes=minute)).astimezone(_zone(zone_name)).utcoffset()
    assert ahead is not None
    return (ahead.days * 86400 + ahead.seconds) // 60


def midnight_of(day: date) -> int:
    """Returns the minute since 1970 at which a day begins in UTC."""
    return (day.toordinal() - _EPOCH_ORDINAL) * MINUTES_OF_A_DAY


def minutes_of(day: date, calendar: WallCalendar) -> int:
    """Returns how many minutes of all time have this date in a calendar.

    Since 1970 no zone has changed its offset twice within 4 days, so offsets
    that agree at both ends of the 4 days around agree in between.
    """
    midnight = midnight_of(day)
    first, last = midnight - MINUTES_OF_A_DAY, midnight + 3 * MINUTES_OF_A_DAY
    if offset(calendar.zone, first) == offset(calendar.zone, last):
        return MINUTES_OF_A_DAY
    return _counted(midnight, first, last, calendar)


@lru_cache(maxsize=1 << 16)
def _counted(midnight: int, first: int, last: int, calendar: WallCalendar) -> int:
    begin = midnight + 60 * calendar.rollover
    end = begin + MINUTES_OF_A_DAY
    total = 0
    for hour in range(first, last, 60):
        at_start = offset(calendar.zone, hour)
        if at_start == offset(calendar.zone, hour + 60):
            wall = hour + at_start
            total += max(0, min(wall + 60, end) - max(wall, begin))
        else:
            walls = (minute + offset(calendar.zone, minute) for minute in range(hour, hour + 60))
            total += sum(begin <= wall < end for wall in walls)
    return total
