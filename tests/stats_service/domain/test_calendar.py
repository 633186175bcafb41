"""Which day an instant falls on."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from stats_service.domain.calendar import Calendar


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc, arg-type]


@pytest.mark.parametrize(
    ("zone", "instant", "day"),
    [
        # Half an hour and three quarters of it.
        ("Asia/Kolkata", utc(2026, 2, 17, 18, 29), date(2026, 2, 17)),
        ("Asia/Kolkata", utc(2026, 2, 17, 18, 30), date(2026, 2, 18)),
        ("Asia/Kathmandu", utc(2026, 2, 17, 18, 14, 59), date(2026, 2, 17)),
        ("Asia/Kathmandu", utc(2026, 2, 17, 18, 15), date(2026, 2, 18)),
        # Both sides of the date line at one instant.
        ("Pacific/Kiritimati", utc(2026, 2, 18, 10, 30), date(2026, 2, 19)),
        ("Pacific/Pago_Pago", utc(2026, 2, 18, 10, 30), date(2026, 2, 17)),
        # Not known here: told as UTC.
        ("Atlantis/Sunken", utc(2026, 2, 18, 23, 59), date(2026, 2, 18)),
        ("../etc/passwd", utc(2026, 2, 18, 23, 59), date(2026, 2, 18)),
    ],
)
def test_a_day_is_read_off_the_wall_clock(zone: str, instant: datetime, day: date) -> None:
    assert Calendar(zone).day_of(instant) == day


@pytest.mark.parametrize("zone", ["Europe/Paris", "America/New_York", "Australia/Lord_Howe", "Cuba"])
@pytest.mark.parametrize("rollover", [0, 1, 2, 3, 4, 23])
def test_through_a_year_of_clock_changes_each_day_comes_once_in_order(zone: str, rollover: int) -> None:
    calendar, instant = Calendar(zone, rollover), utc(2026, 1, 1)
    seen: list[date] = []
    while instant < utc(2027, 1, 1):
        day = calendar.day_of(instant)
        if not seen or seen[-1] != day:
            seen.append(day)
        instant += timedelta(minutes=30)
    assert all(later - earlier == timedelta(days=1) for earlier, later in pairwise(seen))


def test_the_turning_instant_belongs_to_the_new_day() -> None:
    calendar = Calendar("Europe/Paris", 4)
    turn = datetime(2026, 2, 18, 4, tzinfo=ZoneInfo("Europe/Paris"))
    assert calendar.day_of(turn) == date(2026, 2, 18)
    assert calendar.day_of(turn - timedelta(microseconds=1)) == date(2026, 2, 17)


def test_days_of_23_and_25_hours_are_days() -> None:
    paris = Calendar("Europe/Paris")
    assert paris.day_of(utc(2026, 3, 28, 23)) == date(2026, 3, 29)
    assert paris.day_of(utc(2026, 3, 29, 22)) == date(2026, 3, 30)
    assert paris.day_of(utc(2026, 10, 24, 22)) == date(2026, 10, 25)
    assert paris.day_of(utc(2026, 10, 25, 22, 59)) == date(2026, 10, 25)
    assert paris.day_of(utc(2026, 10, 25, 23)) == date(2026, 10, 26)
