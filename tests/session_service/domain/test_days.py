"""The user's own days, where days are not what they seem."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from session_service.domain.days import EARLIEST, LATEST, Calendar, in_utc

SECOND = timedelta(seconds=1)


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type,misc]


def day(zone: str, instant: datetime, rollover_hour: int = 0) -> date:
    return Calendar(zone, rollover_hour).local_date(instant)


def hours_of(zone: str, wanted: date, around: datetime, rollover_hour: int = 0) -> int:
    """How many of the hours around an instant fall on a day."""
    hours = (around + timedelta(hours=offset) for offset in range(-72, 72))
    return sum(day(zone, hour, rollover_hour) == wanted for hour in hours)


@pytest.mark.parametrize(
    ("zone", "instant", "expected"),
    [
        ("UTC", utc(2026, 2, 18, 0, 0), date(2026, 2, 18)),
        ("America/New_York", utc(2026, 2, 18, 4, 59, 59), date(2026, 2, 17)),
        ("America/New_York", utc(2026, 2, 18, 5, 0), date(2026, 2, 18)),
        ("Asia/Kolkata", utc(2026, 2, 17, 18, 29, 59), date(2026, 2, 17)),
        ("Asia/Kolkata", utc(2026, 2, 17, 18, 30), date(2026, 2, 18)),
        ("Asia/Kathmandu", utc(2026, 2, 17, 18, 14, 59), date(2026, 2, 17)),
        ("Asia/Kathmandu", utc(2026, 2, 17, 18, 15), date(2026, 2, 18)),
        ("Australia/Lord_Howe", utc(2026, 1, 1, 13, 0), date(2026, 1, 2)),
        ("Pacific/Kiritimati", utc(2026, 2, 17, 10, 0), date(2026, 2, 18)),
        ("Pacific/Pago_Pago", utc(2026, 2, 18, 10, 59, 59), date(2026, 2, 17)),
    ],
)
def test_an_instant_falls_on_the_day_of_its_zone(zone: str, instant: datetime, expected: date) -> None:
    assert day(zone, instant) == expected


def test_without_a_choice_days_turn_at_midnight_utc() -> None:
    assert Calendar() == Calendar("UTC", 0)


def test_one_instant_is_three_days_around_the_date_line() -> None:
    instant = utc(2026, 2, 18, 10, 30)
    zones = ("Pacific/Pago_Pago", "UTC", "Pacific/Kiritimati")
    assert [day(zone, instant).day for zone in zones] == [17, 18, 19]


@pytest.mark.parametrize("rollover_hour", [0, 1, 4, 23])
def test_the_turning_instant_belongs_to_the_new_day(rollover_hour: int) -> None:
    turn = utc(2026, 6, 15, rollover_hour)
    assert day("UTC", turn, rollover_hour) == date(2026, 6, 15)
    assert day("UTC", turn - timedelta(microseconds=1), rollover_hour) == date(2026, 6, 14)


def test_an_offset_of_the_instant_makes_no_other_day() -> None:
    instant = utc(2026, 2, 18, 20, 0)
    elsewhere = instant.astimezone(ZoneInfo("Asia/Tokyo"))
    assert day("America/Bogota", elsewhere) == day("America/Bogota", instant) == date(2026, 2, 18)


@pytest.mark.parametrize(
    ("zone", "when", "hours"),
    [
        ("Europe/Berlin", date(2026, 3, 29), 23),
        ("Europe/Berlin", date(2026, 10, 25), 25),
        ("America/New_York", date(2026, 3, 8), 23),
        ("America/New_York", date(2026, 11, 1), 25),
        ("Europe/Berlin", date(2026, 3, 30), 24),
    ],
)
def test_days_of_23_and_25_hours_are_one_day_each(zone: str, when: date, hours: int) -> None:
    noon = datetime(when.year, when.month, when.day, 12, tzinfo=UTC)
    assert hours_of(zone, when, noon) == hours


def test_both_passes_of_a_repeated_hour_are_on_the_same_side_of_the_rollover() -> None:
    first, second = utc(2026, 10, 25, 0, 30), utc(2026, 10, 25, 1, 30)
    assert first.astimezone(ZoneInfo("Europe/Berlin")).hour == 2
    assert second.astimezone(ZoneInfo("Europe/Berlin")).hour == 2
    for rollover_hour, expected in ((2, 25), (3, 24)):
        assert day("Europe/Berlin", first, rollover_hour).day == expected
        assert day("Europe/Berlin", second, rollover_hour).day == expected


def test_a_rollover_hour_that_the_clock_skips_turns_at_the_next_hour_there_is() -> None:
    before, after = utc(2026, 3, 29, 0, 59, 59), utc(2026, 3, 29, 1, 0)
    assert day("Europe/Berlin", before, 2) == date(2026, 3, 28)
    assert day("Europe/Berlin", after, 2) == date(2026, 3, 29)


def test_a_midnight_that_the_clock_skips_turns_the_day_all_the_same() -> None:
    skipped = utc(2018, 11, 4, 3, 0)  # 00:00 became 01:00 in Sao Paulo
    assert day("America/Sao_Paulo", skipped - SECOND) == date(2018, 11, 3)
    assert day("America/Sao_Paulo", skipped) == date(2018, 11, 4)


def test_samoa_never_had_its_thirtieth_of_december_2011() -> None:
    last = utc(2011, 12, 30, 9, 59, 59)
    assert day("Pacific/Apia", last) == date(2011, 12, 29)
    assert day("Pacific/Apia", last + SECOND) == date(2011, 12, 31)
    assert hours_of("Pacific/Apia", date(2011, 12, 30), last) == 0


def test_a_clock_turned_back_over_midnight_gives_the_old_day_again() -> None:
    turned = utc(2018, 2, 18, 2, 0)  # 24:00 of the 17th became 23:00 in Sao Paulo
    assert day("America/Sao_Paulo", turned - SECOND) == date(2018, 2, 17)
    assert day("America/Sao_Paulo", turned) == date(2018, 2, 17)
    assert hours_of("America/Sao_Paulo", date(2018, 2, 17), turned) == 25


@given(
    instant=st.datetimes(datetime(2012, 1, 1), datetime(2035, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    zone=st.sampled_from(
        ["UTC", "Europe/Berlin", "Asia/Kolkata", "Australia/Lord_Howe", "Pacific/Chatham", "America/Havana"]
    ),
    rollover_hour=st.integers(0, 23),
)
@settings(max_examples=100, deadline=None)
def test_a_later_instant_is_never_on_an_earlier_day_and_none_is_skipped(
    instant: datetime, zone: str, rollover_hour: int
) -> None:
    now = day(zone, instant, rollover_hour)
    soon = day(zone, instant + timedelta(hours=1), rollover_hour)
    assert soon - now in (timedelta(0), timedelta(days=1))
    midnight = instant.astimezone(ZoneInfo(zone)).date()
    assert midnight - now == timedelta(days=instant.astimezone(ZoneInfo(zone)).hour < rollover_hour)


@settings(max_examples=300)
@given(
    zone=st.sampled_from(["UTC", "Europe/Madrid", "America/New_York", "Asia/Kathmandu", "Pacific/Apia"])
    | st.sampled_from(["Africa/Cairo", "America/Santiago", "Australia/Lord_Howe", "America/Nuuk"]),
    wanted=st.dates(date(2024, 1, 1), date(2031, 12, 31)),
    rollover_hour=st.integers(0, 23),
)
def test_a_day_starts_at_the_first_instant_that_falls_on_it(
    zone: str, wanted: date, rollover_hour: int
) -> None:
    calendar = Calendar(zone, rollover_hour)
    start = calendar.start_of(wanted)
    assert calendar.local_date(start) == wanted
    assert calendar.local_date(start - timedelta(microseconds=1)) == wanted - timedelta(days=1)


def test_a_day_whose_midnight_is_skipped_starts_as_the_clocks_spring() -> None:
    # In Cairo clocks went from 00:00 to 01:00 on the 25th of April 2025.
    assert Calendar("Africa/Cairo").start_of(date(2025, 4, 25)) == utc(2025, 4, 24, 22)


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "UTC", "Pacific/Pago_Pago"])
@pytest.mark.parametrize("hour", [0, 23])
def test_the_first_and_the_last_day_are_days_in_every_zone(zone: str, hour: int) -> None:
    calendar = Calendar(zone, hour)
    assert (
        EARLIEST
        <= calendar.start_of(date.min)
        < calendar.end_of(date.min)
        == calendar.start_of(date(1, 1, 2))
    )
    assert (
        calendar.end_of(date(9999, 12, 30))
        == calendar.start_of(date.max)
        <= calendar.end_of(date.max)
        == LATEST
    )


def test_an_instant_outside_of_time_in_utc_is_the_first_or_the_last_one() -> None:
    assert in_utc(datetime.fromisoformat("0001-01-01T00:00:00+14:00")) == EARLIEST
    assert in_utc(datetime.fromisoformat("9999-12-31T23:59:59-11:00")) == LATEST
    assert in_utc(datetime.fromisoformat("2026-01-01T01:00:00+01:00")) == utc(2026, 1, 1)
