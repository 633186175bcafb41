"""A year of days."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stats_service.domain.calendar import Calendar
from stats_service.domain.protection import FreezeGranted, PlannedPause, RestDays, StreakProtection
from stats_service.domain.standing import Tally
from stats_service.domain.summaries import Heatmap, days_of, heatmap

RECORDED = datetime(2026, 1, 1, tzinfo=UTC)


def year_of(
    seconds: dict[date, int], *, year: int = 2026, protection: StreakProtection | None = None, today: date
) -> Heatmap:
    """Returns a year in which these days were practised so long."""
    tallies = {day: Tally(1, each) for day, each in seconds.items() if day.year == year}
    return heatmap(
        year, tallies, sorted(seconds), protection or StreakProtection(), product="focus", today=today
    )


@pytest.mark.parametrize(("year", "count"), [(2026, 365), (2028, 366), (2100, 365), (2000, 366), (9999, 365)])
def test_a_year_has_all_of_its_days_once(year: int, count: int) -> None:
    days = days_of(year)
    assert len(set(days)) == len(days) == count
    assert (days[0], days[-1]) == (date(year, 1, 1), date(year, 12, 31))


def test_an_empty_year_is_empty() -> None:
    shown = year_of({}, today=date(2026, 6, 1))
    assert {(cell.level, cell.keep_reason, cell.tally) for cell in shown.cells} == {(0, None, Tally())}
    assert shown.current is None


def test_levels_are_the_persons_own_quarters() -> None:
    seconds = {date(2026, 3, day): day * 100 for day in range(1, 9)}
    shown = {cell.day: cell.level for cell in year_of(seconds, today=date(2026, 6, 1)).cells}
    assert [shown[day] for day in seconds] == [1, 1, 2, 2, 3, 3, 4, 4]
    assert shown[date(2026, 3, 9)] == 0


@given(st.dictionaries(st.dates(date(2026, 1, 1), date(2026, 12, 31)), st.integers(0, 9_000), max_size=60))
def test_more_time_is_never_a_paler_level_and_practice_is_never_none(seconds: dict[date, int]) -> None:
    shown = {cell.day: cell.level for cell in year_of(seconds, today=date(2026, 12, 31)).cells}
    for day, level in shown.items():
        assert (level > 0) == (day in seconds)
    ordered = sorted(seconds, key=seconds.__getitem__)
    assert [shown[day] for day in ordered] == sorted(shown[day] for day in ordered)
    if ordered:
        assert shown[ordered[-1]] == 4
    quarter = -(-len(seconds) // 4)
    assert sum(level == 1 for level in shown.values()) <= quarter


def test_days_that_keep_the_streak_say_why_and_the_streak_goes_on_over_new_year() -> None:
    entries = [
        RestDays(
            entry_id=uuid4(), recorded_at=RECORDED, effective_date=date(2025, 1, 1), weekdays=frozenset({6})
        ),
        PlannedPause(entry_id=uuid4(), recorded_at=RECORDED, first=date(2026, 1, 6), last=date(2026, 1, 7)),
        FreezeGranted(entry_id=uuid4(), recorded_at=RECORDED, product="focus", day=date(2026, 1, 1)),
    ]
    practised = [date(2025, 12, 30), date(2025, 12, 31), *(date(2026, 1, day) for day in (1, 2, 3, 5, 8))]
    shown = year_of(
        dict.fromkeys(practised, 60), protection=StreakProtection.of((), entries), today=date(2026, 1, 10)
    )
    kept = {cell.day.day: cell.keep_reason for cell in shown.cells if cell.keep_reason}
    assert kept == {4: "rest", 6: "pause", 7: "pause", 9: "freeze"}
    current = shown.current
    assert current is not None
    assert (current.first, current.last, current.length) == (date(2025, 12, 30), date(2026, 1, 8), 7)


def test_a_day_that_the_zone_skips_is_a_cell_that_keeps_the_streak() -> None:
    samoa = [(datetime(2011, 12, 1, tzinfo=UTC), Calendar("Pacific/Apia"))]
    practised = dict.fromkeys((date(2011, 12, 29), date(2011, 12, 31)), 60)
    shown = year_of(practised, year=2011, protection=StreakProtection.of(samoa), today=date(2011, 12, 31))
    assert [(cell.day.day, cell.level, cell.keep_reason) for cell in shown.cells[-3:]] == [
        (29, 4, None),
        (30, 0, "skipped"),
        (31, 4, None),
    ]
    assert shown.current is not None and shown.current.length == 2


def test_practice_before_the_sign_up_is_shown_and_begins_no_streak() -> None:
    signed_up = StreakProtection.of((), (), datetime(2026, 5, 2, 8, tzinfo=UTC))
    practised = dict.fromkeys((date(2026, 4, 30), date(2026, 5, 1), date(2026, 5, 2)), 60)
    shown = year_of(practised, protection=signed_up, today=date(2026, 5, 2))
    assert [cell.day for cell in shown.cells if cell.level] == list(practised)
    assert shown.current is not None
    assert (shown.current.first, shown.current.length) == (date(2026, 5, 2), 1)
    earlier = year_of(practised, year=2025, protection=signed_up, today=date(2026, 5, 2))
    assert not any(cell.level or cell.keep_reason for cell in earlier.cells)
    assert earlier.current == shown.current


def test_no_streak_is_shown_that_has_ended() -> None:
    shown = year_of({date(2026, 5, 1): 60}, today=date(2026, 5, 1) + timedelta(days=2))
    assert shown.current is None
