"""Week and month streaks, worked out on paper."""

from __future__ import annotations

from datetime import date

import pytest

from stats_service.domain.completion import ALL_PRODUCTS
from stats_service.domain.protection import Entry
from tests.stats_service.oracle.by_hand import (
    Ask,
    freeze,
    march,
    pause,
    practised,
    repaired,
    rest,
)
from tests.stats_service.oracle.oracle import PeriodAnswer


# The week from the 9th to the 15th is between those of the 4th and the 18th.
@pytest.mark.parametrize(
    ("entries", "current"),
    [
        ([], 1),
        ([pause(march(9), march(15))], 2),
        ([pause(march(10), march(15))], 1),
        ([pause(march(10), march(15)), repaired(9)], 2),
        ([pause(march(10), march(15)), repaired(9, ALL_PRODUCTS)], 1),
        ([pause(march(10), march(15)), rest(1, [0])], 2),
        ([pause(march(10), march(15)), freeze(1)], 1),
    ],
)
def test_a_week_is_kept_when_each_of_its_days_is(ask: Ask, entries: list[Entry], current: int) -> None:
    start = march(2) if current == 2 else march(16)
    assert ask(practised(4, 18), march(22), *entries).week == PeriodAnswer(current, current, start, march(16))


@pytest.mark.parametrize(("on", "current"), [(15, 1), (16, 0)])
def test_the_week_of_today_is_never_missed(ask: Ask, on: int, current: int) -> None:
    assert ask(practised(4), march(on)).week.current == current


def test_weeks_of_iso_go_on_over_the_end_of_a_year(ask: Ask) -> None:
    # Friday 1 January 2027 is in week 53 of 2026, which began on 28 December.
    facts = practised(date(2026, 12, 24), date(2027, 1, 1), date(2027, 1, 10))
    assert ask(facts, date(2027, 1, 17)).week == PeriodAnswer(3, 3, date(2026, 12, 21), date(2027, 1, 4))
    assert ask(facts, date(2027, 1, 17)).month == PeriodAnswer(2, 2, date(2026, 12, 1), date(2027, 1, 1))


@pytest.mark.parametrize(("last", "best"), [(28, 2), (27, 1)])
def test_a_month_is_kept_by_a_pause_over_all_of_it(ask: Ask, last: int, best: int) -> None:
    facts = practised(date(2026, 1, 31), march(1))
    february = pause(date(2026, 2, 1), date(2026, 2, last))
    assert ask(facts, march(31), february).month.best == best
