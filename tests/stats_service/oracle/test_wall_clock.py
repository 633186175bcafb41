"""The oracle's clock, held to days whose lengths are known."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from tests.stats_service.oracle.wall_clock import WallCalendar, date_of, minutes_of

HOUR = 60


@pytest.mark.parametrize(
    ("zone", "rollover", "day", "minutes"),
    [
        ("UTC", 5, date(2026, 3, 29), 24 * HOUR),
        ("Europe/Paris", 0, date(2026, 3, 29), 23 * HOUR),
        ("Europe/Paris", 0, date(2026, 10, 25), 25 * HOUR),
        # The clock is put forward at 2:00, on the evening before for who turns days at 4:00.
        ("Europe/Paris", 4, date(2026, 3, 28), 23 * HOUR),
        ("Europe/Paris", 4, date(2026, 3, 29), 24 * HOUR),
        ("Australia/Lord_Howe", 0, date(2026, 10, 4), 24 * HOUR - 30),
        # There was no midnight.
        ("America/Sao_Paulo", 0, date(2018, 11, 4), 23 * HOUR),
        # At 0:01 of the 29th it was 23:01 of the 28th again.
        ("America/St_Johns", 0, date(2006, 10, 28), 24 * HOUR + 59),
        ("America/St_Johns", 0, date(2006, 10, 29), 24 * HOUR + 1),
        # The 30th was skipped from midnight to midnight, whatever hour days turn at.
        ("Pacific/Apia", 0, date(2011, 12, 29), 24 * HOUR),
        ("Pacific/Apia", 0, date(2011, 12, 30), 0),
        ("Pacific/Apia", 4, date(2011, 12, 29), 20 * HOUR),
        ("Pacific/Apia", 4, date(2011, 12, 30), 4 * HOUR),
        ("Pacific/Apia", 13, date(2011, 12, 29), 11 * HOUR),
        ("Pacific/Apia", 13, date(2011, 12, 30), 13 * HOUR),
        ("Pacific/Fakaofo", 0, date(2011, 12, 30), 0),
        ("Pacific/Kwajalein", 0, date(1993, 8, 21), 0),
        ("Pacific/Kiritimati", 0, date(1994, 12, 31), 0),
        ("Pacific/Kanton", 0, date(1994, 12, 31), 0),
        # A station in Antarctica puts its clocks forward by two hours.
        ("Antarctica/Troll", 0, date(2026, 3, 29), 22 * HOUR),
    ],
)
def test_a_date_lasts_as_long_as_the_wall_clock_shows_it(
    zone: str, rollover: int, day: date, minutes: int
) -> None:
    calendar = WallCalendar(zone, rollover)
    assert minutes_of(day, calendar) == minutes
    first = datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(days=1)
    instants = (first + timedelta(minutes=number) for number in range(4 * 24 * HOUR))
    assert sum(date_of(instant, calendar) == day for instant in instants) == minutes


@pytest.mark.parametrize(
    ("zone", "rollover", "instant", "day"),
    [
        ("Asia/Kolkata", 0, datetime(2026, 2, 17, 18, 29, 59, tzinfo=UTC), date(2026, 2, 17)),
        ("Asia/Kolkata", 0, datetime(2026, 2, 17, 18, 30, tzinfo=UTC), date(2026, 2, 18)),
        ("Asia/Kathmandu", 4, datetime(2026, 2, 17, 22, 14, tzinfo=UTC), date(2026, 2, 17)),
        ("Asia/Kathmandu", 4, datetime(2026, 2, 17, 22, 15, tzinfo=UTC), date(2026, 2, 18)),
        ("Atlantis/Sunken", 1, datetime(2026, 2, 18, 0, 59, tzinfo=UTC), date(2026, 2, 17)),
    ],
)
def test_a_date_is_the_wall_clocks_moved_back_by_the_rollover_hour(
    zone: str, rollover: int, instant: datetime, day: date
) -> None:
    assert date_of(instant, WallCalendar(zone, rollover)) == day
