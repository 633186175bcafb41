"""Weeks and months, and hours."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stats_service.domain.periods import Cadence, periods_between
from stats_service.domain.standing import Tally
from stats_service.domain.summaries import Change, DayTally, accuracy, best_hours, summaries

DAYS = st.tuples(
    st.dates(date(2026, 12, 14), date(2027, 3, 7)),
    st.sampled_from(("focus", "yoga")),
    st.builds(Tally, *[st.integers(1, 9)] * 4),
)


def test_a_week_over_new_year_is_one() -> None:
    days: Sequence[DayTally] = [
        (date(2026, 12, 22), "yoga", Tally(1, 600, 0, 0)),
        (date(2026, 12, 31), "focus", Tally(2, 300, 4, 3)),
        (date(2026, 12, 31), "yoga", Tally(1, 100, 0, 0)),
        (date(2027, 1, 3), "focus", Tally(1, 400, 1, 1)),
        (date(2027, 1, 2), "focus", Tally(1, 50, 1, 1)),
    ]
    (week,) = summaries(list(periods_between("week", date(2027, 1, 1), date(2027, 1, 1))), days)
    assert (week.tally, week.day_count) == (Tally(5, 850, 6, 5), 3)
    assert week.change == Change(sessions=4, seconds=250, days=2)
    # Of two days with 400 seconds each, the first.
    assert week.best == (date(2026, 12, 31), Tally(3, 400, 4, 3))
    assert week.products == [("focus", Tally(4, 750, 6, 5)), ("yoga", Tally(1, 100, 0, 0))]


def test_a_period_without_practice_has_zeros_and_shows_what_is_missing() -> None:
    periods = list(periods_between("month", date(2028, 2, 1), date(2028, 3, 31)))
    february, march = summaries(periods, [(date(2028, 2, 29), "focus", Tally(1, 60, 0, 0))])
    assert (february.tally, february.change) == (Tally(1, 60, 0, 0), Change(1, 60, 1))
    assert (march.tally, march.change, march.best) == (Tally(), Change(-1, -60, -1), None)
    assert not march.products
    assert not summaries([], [])


@given(
    days=st.lists(DAYS, max_size=40, unique_by=lambda each: each[:2]), kind=st.sampled_from(("week", "month"))
)
def test_nothing_is_lost_between_periods(days: list[DayTally], kind: Cadence) -> None:
    told = summaries(list(periods_between(kind, date(2026, 12, 14), date(2027, 3, 7))), days)
    for name in ("session_count", "elapsed_seconds", "answer_count", "correct_answer_count"):
        assert sum(getattr(each.tally, name) for each in told) == sum(
            getattr(tally, name) for _, _, tally in days
        )
    assert sum(each.day_count for each in told) == len({day for day, _, _ in days})
    assert sum(each.change.seconds for each in told) == told[-1].tally.elapsed_seconds
    assert all(
        sum(part.session_count for _, part in each.products) == each.tally.session_count for each in told
    )


def test_a_summary_does_not_depend_on_how_many_are_asked_for() -> None:
    first = date(2026, 12, 7)
    days: Sequence[DayTally] = [
        (first + timedelta(days=number), "focus", Tally(1, number)) for number in range(0, 60, 3)
    ]
    weeks = list(periods_between("week", first, first + timedelta(days=60)))
    whole = summaries(weeks, days)
    assert [summaries([week], days)[0] for week in weeks] == whole


def test_hours_are_summed_over_weekdays_and_the_best_have_the_most_time() -> None:
    told = best_hours(
        [
            (0, 7, Tally(1, 100, 4, 3)),
            (6, 7, Tally(1, 50)),
            (2, 23, Tally(1, 150)),
            (2, 0, Tally(1, 0)),
            (3, 12, Tally(9, 10, 2, 2)),
        ]
    )
    assert told.hours[7] == Tally(2, 150, 4, 3)
    assert (told.weekdays[0][7], told.weekdays[6][7]) == (Tally(1, 100, 4, 3), Tally(1, 50))
    assert told.best == [7, 23, 12]
    assert [len(hours) for hours in told.weekdays] == [24] * 7
    assert best_hours([]).best == []


@pytest.mark.parametrize(
    ("tally", "share"), [(Tally(1, 1, 4, 3), 0.75), (Tally(1, 1, 3, 1), 0.3333), (Tally(1, 1), None)]
)
def test_accuracy_is_the_share_of_right_answers(tally: Tally, share: float | None) -> None:
    assert accuracy(tally) == share
