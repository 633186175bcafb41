"""Which day it is for a learner, and which days a calendar does not have."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import lru_cache
from itertools import pairwise
from uuid import UUID

from service_kit import time_zones

_DAY = timedelta(days=1)
_HOUR = timedelta(hours=1)
_HALF_A_DAY = timedelta(hours=12)
# Where a zone's rules are looked through for a leap over a day. The first such leap of a
# zone that is still one was in 1844; the tz database foresees none.
_LEAP_YEARS = range(1840, 2041)


@dataclass(frozen=True, slots=True, order=True)
class Calendar:
    """How a learner's days run: an IANA zone and the hour, 0 to 23, at which a day turns."""

    time_zone: str = "UTC"
    rollover_hour: int = 0

    def wall(self, instant: datetime) -> datetime:
        """Returns the wall clock, naive, moved back by the rollover hour: its date is the learner's day."""
        local = instant.astimezone(_zone(self.time_zone)).replace(tzinfo=None, fold=0)
        return local - timedelta(hours=self.rollover_hour)

    def day_of(self, instant: datetime) -> date:
        """Returns the day an instant falls on; the turning instant belongs to the new day.

        Read off the wall clock, so days of 23 and 25 hours are days like any
        other. A zone unknown to the pinned data reads as UTC: the day asked for
        may be off, the facts never are.
        """
        return self.wall(instant).date()

    def minute_of(self, instant: datetime) -> int:
        """Returns the minute of the wall clock's day, 0 to 1439, whatever the rollover hour."""
        local = instant.astimezone(_zone(self.time_zone))
        return local.hour * 60 + local.minute

    def skips(self, day: date) -> bool:
        """Tells whether the zone's own rules leave less than 12 hours of a day, as Samoa's did in 2011."""
        return _leaps(self.time_zone) and _length(self, day) < _HALF_A_DAY

    @property
    def may_skip(self) -> bool:
        """Whether there is any day that this calendar skips."""
        return _leaps(self.time_zone)


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarChange:
    """A learner's days run otherwise from an instant on, as the session service told it; it never changes.

    Instants are UTC; `sign_up_time` is None while it is not known when the
    learner signed up. `user_seq` counts in one sequence with completions.
    """

    event_id: UUID
    user_id: int
    user_seq: int
    effective_time: datetime
    time_zone: str
    rollover_hour: int
    sign_up_time: datetime | None = None

    @property
    def calendar(self) -> Calendar:
        """The calendar put in force."""
        return Calendar(self.time_zone, self.rollover_hour)


def _zone(name: str) -> tzinfo:
    try:
        return time_zones.time_zone(name)
    except KeyError:
        return time_zones.time_zone("UTC")


@lru_cache(maxsize=1_024)
def _leaps(zone_name: str) -> bool:
    """Tells whether the zone ever changed sides of the date line."""
    zone = _zone(zone_name)
    offsets = [_offset(zone, datetime(year, 1, 1, tzinfo=UTC)) for year in _LEAP_YEARS]
    return any(later - earlier >= _HALF_A_DAY for earlier, later in pairwise(offsets))


@lru_cache(maxsize=4_096)
def _length(calendar: Calendar, day: date) -> timedelta:
    """Returns how long a day lasts: the sum of the instants that fall on it."""
    turn = datetime.combine(day, time(), UTC) + timedelta(hours=calendar.rollover_hour)
    return sum(
        (
            max(min(until, turn + _DAY - offset) - max(since, turn - offset), timedelta())
            for since, until, offset in _pieces(_zone(calendar.time_zone), turn - 2 * _DAY, turn + 3 * _DAY)
        ),
        timedelta(),
    )


def _pieces(zone: tzinfo, since: datetime, until: datetime) -> Iterator[tuple[datetime, datetime, timedelta]]:
    """Yields the spans of a time with one offset each. Two changes within an hour are unheard of."""
    start, offset = since, _offset(zone, since)
    hour = since
    while hour < until:
        later = hour + _HOUR
        if _offset(zone, later) != offset:
            change = _change_between(zone, hour, later)
            yield start, change, offset
            start, offset = change, _offset(zone, later)
        hour = later
    yield start, until, offset


def _change_between(zone: tzinfo, before: datetime, after: datetime) -> datetime:
    """Returns the first second with the offset of `after`."""
    offset = _offset(zone, after)
    while after - before > timedelta(seconds=1):
        middle = before + timedelta(seconds=(after - before) // timedelta(seconds=2))
        before, after = (before, middle) if _offset(zone, middle) == offset else (middle, after)
    return after


def _offset(zone: tzinfo, instant: datetime) -> timedelta:
    return instant.astimezone(zone).utcoffset() or timedelta()


# Instants at which a calendar is known to have been in force, in order.
Timeline = Sequence[tuple[datetime, Calendar]]


def timeline_of(
    changes: Iterable[tuple[datetime, Calendar]], completions: Iterable[tuple[datetime, Calendar]]
) -> Timeline:
    """Returns the calendars that facts say were in force, in order: of one instant, changes come first.

    Changes, and completions, of one instant stay in the order that they are given in.
    """
    observed = [(instant, 0, calendar) for instant, calendar in changes]
    observed += [(instant, 1, calendar) for instant, calendar in completions]
    return [(instant, calendar) for instant, _, calendar in sorted(observed, key=lambda each: each[:2])]
