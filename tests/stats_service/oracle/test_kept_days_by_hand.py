"""Runs of days, rest days, pauses, sign-ups and products, worked out on paper."""

from __future__ import annotations

from datetime import datetime

import pytest

from stats_service.domain.completion import ALL_PRODUCTS
from stats_service.domain.protection import RestDays
from tests.stats_service.oracle.by_hand import (
    Ask,
    cancelled,
    change,
    freeze,
    march,
    pause,
    practised,
    repaired,
    rest,
    utc,
)
from tests.stats_service.oracle.oracle import Answer, DayAnswer, PeriodAnswer

WEEKEND = (5, 6)


def test_nothing_practised_is_no_streak(ask: Ask) -> None:
    nothing = PeriodAnswer(0, 0, None, None)
    assert ask([], march(4), freeze(4), freeze(5, 2)) == Answer(
        DayAnswer(0, 0, None, None, 1, ()), nothing, nothing
    )


@pytest.mark.parametrize(("on", "current"), [(2, 3), (3, 3), (4, 3), (5, 0)])
def test_a_run_lives_until_a_day_was_missed(ask: Ask, on: int, current: int) -> None:
    start = march(1) if current else None
    assert ask(practised(1, 2, 3), march(on)).day == DayAnswer(current, 3, start, march(3), 0, ())


@pytest.mark.parametrize(
    ("cancellations", "on", "current"),
    [
        ((), 8, 1),
        ((), 9, 0),
        # In the pause: the 2nd and 3rd stay one.
        ((4,), 4, 1),
        ((4,), 5, 0),
        # Before it, on its first day, after its last one, and twice: the earlier one says it.
        ((1,), 3, 0),
        ((2,), 3, 0),
        ((8,), 8, 1),
        ((6, 4), 5, 0),
    ],
)
def test_a_pause_lasts_until_it_is_cancelled(
    ask: Ask, cancellations: tuple[int, ...], on: int, current: int
) -> None:
    entries = [pause(march(2), march(7)), *map(cancelled, cancellations), cancelled(3, pause_id=5)]
    assert ask(practised(1), march(on), *entries).day.current == current


@pytest.mark.parametrize(
    ("settings", "current"),
    [
        # Friday the 6th and Monday the 9th are practised.
        ([], 1),
        ([rest(1, WEEKEND)], 2),
        ([rest(7, WEEKEND)], 2),
        ([rest(8, WEEKEND)], 1),
        # Sunday the 8th is none any more.
        ([rest(1, WEEKEND), rest(8, [])], 1),
        ([rest(1, WEEKEND), rest(9, [])], 2),
        # From one date on: what was recorded last, then the greater id.
        ([rest(1, WEEKEND, number=2, recorded=1), rest(1, [], number=1, recorded=2)], 1),
        ([rest(1, WEEKEND, number=1, recorded=2), rest(1, [], number=2, recorded=1)], 2),
        ([rest(1, WEEKEND, number=2), rest(1, [], number=1)], 2),
        ([rest(1, WEEKEND, number=1), rest(1, [], number=2)], 1),
    ],
)
def test_rest_days_are_those_in_force_on_the_date(ask: Ask, settings: list[RestDays], current: int) -> None:
    assert ask(practised(6, 9), march(9), *settings).day.current == current


@pytest.mark.parametrize(("sign_up", "best"), [(utc(2026, 3, 4, 23, 59), 2), (utc(2026, 3, 5), 1), (None, 3)])
def test_days_before_the_sign_up_are_left_out(ask: Ask, sign_up: datetime | None, best: int) -> None:
    assert ask(practised(3, 4, 5), march(5), sign_up_time=sign_up).day.best == best


def test_the_sign_up_is_on_the_earliest_day_it_had_in_any_calendar_of_the_person(ask: Ask) -> None:
    facts = practised(4, 5)
    early = utc(2026, 3, 5, 2)
    assert ask(facts, march(5), sign_up_time=early).day.best == 1
    # It was still the evening of the 4th in Los Angeles, and before the hour at which days turn.
    for turned in (change(utc(2026, 3, 5, 3), "America/Los_Angeles"), change(utc(2026, 3, 5, 3), "UTC", 4)):
        assert ask(facts, march(5), changes=[turned], sign_up_time=early).day.best == 2


def test_every_product_is_practice_for_all_of_them_and_a_repair_for_one_streak(ask: Ask) -> None:
    facts = practised(1, product="focus") + practised(2, product="yoga") + practised(4, product="focus")
    assert ask(facts, march(4)).day.best == 1
    assert ask(facts, march(4), product=ALL_PRODUCTS).day.best == 2
    entries = [repaired(3, ALL_PRODUCTS), repaired(2)]
    assert ask(facts, march(4), *entries).day.best == 1
    assert ask(facts, march(4), *entries, product=ALL_PRODUCTS).day.best == 3
