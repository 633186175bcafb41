"""Days, weeks and months."""

from __future__ import annotations

import calendar
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stats_service.domain.periods import Cadence, Period, periods_between

KINDS = st.sampled_from(("day", "week", "month"))
DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("kind", "day", "first", "last"),
    [
        ("day", "2028-02-29", "2028-02-29", "2028-02-29"),
        ("week", "2026-12-31", "2026-12-28", "2027-01-03"),
        ("week", "2027-01-03", "2026-12-28", "2027-01-03"),
        ("week", "2027-01-04", "2027-01-04", "2027-01-10"),
        ("week", "2021-01-01", "2020-12-28", "2021-01-03"),
        ("month", "2028-02-01", "2028-02-01", "2028-02-29"),
        ("month", "2100-02-28", "2100-02-01", "2100-02-28"),
        ("month", "2026-12-31", "2026-12-01", "2026-12-31"),
        ("week", "9999-12-31", "9999-12-27", "9999-12-31"),
        ("month", "9999-12-31", "9999-12-01", "9999-12-31"),
        ("week", "0001-01-01", "0001-01-01", "0001-01-07"),
    ],
)
def test_a_period_has_its_days(kind: Cadence, day: str, first: str, last: str) -> None:
    period = Period.of(kind, date.fromisoformat(day))
    assert (period.first.isoformat(), period.last.isoformat()) == (first, last)


@given(day=st.dates(), kind=KINDS)
def test_every_day_of_a_period_is_in_it_and_its_neighbours_are_not(day: date, kind: Cadence) -> None:
    period = Period.of(kind, day)
    assert period.first <= day <= period.last
    assert Period.of(kind, period.first) == Period.of(kind, period.last) == period
    before = period.before()
    assert before is None if period.first == date.min else before is not None
    assert before is None or before.last + DAY == period.first


@given(day=st.dates(min_value=date(2, 1, 1), max_value=date(9998, 12, 31)))
def test_weeks_are_those_of_iso_and_months_those_of_the_calendar(day: date) -> None:
    week, month = Period.of("week", day), Period.of("month", day)
    assert week.first.isocalendar()[2] == 1
    assert (week.first.isocalendar()[:2], week.last - week.first) == (day.isocalendar()[:2], 6 * DAY)
    assert month.last.day == calendar.monthrange(day.year, day.month)[1]


@given(
    first=st.dates(min_value=date(2020, 1, 1), max_value=date(2030, 1, 1)),
    span=st.integers(0, 500),
    kind=KINDS,
)
def test_the_periods_of_a_span_touch_and_cover_it(first: date, span: int, kind: Cadence) -> None:
    periods = list(periods_between(kind, first, first + span * DAY))
    covered = [
        each.first + number * DAY for each in periods for number in range((each.last - each.first).days + 1)
    ]
    assert covered == sorted(set(covered))
    assert {first + number * DAY for number in range(span + 1)} <= set(covered)
    assert periods[-1] == Period.of(kind, first + span * DAY)
    assert periods[-1].back(len(periods) - 1) == periods[0]


def test_spans_end_where_the_calendar_does() -> None:
    assert [each.first for each in periods_between("week", date(9999, 12, 20), date.max)] == [
        date(9999, 12, 20),
        date(9999, 12, 27),
    ]
    assert Period.of("month", date(1, 2, 1)).back(5).first == date.min
