"""Freezes, worked out on paper."""

from __future__ import annotations

import pytest

from stats_service.domain.completion import ALL_PRODUCTS
from tests.stats_service.oracle.by_hand import (
    Ask,
    freeze,
    march,
    practised,
)
from tests.stats_service.oracle.oracle import DayAnswer


def test_a_freeze_that_was_used_is_held_again_when_the_day_turns_out_practised(ask: Ask) -> None:
    facts = practised(1, 2, 4)
    assert ask(facts, march(4), freeze(1)).day == DayAnswer(3, 3, march(1), march(4), 0, (march(3),))
    late = [*facts, *practised(3)]
    assert ask(late, march(4), freeze(1)).day == DayAnswer(4, 4, march(1), march(4), 1, ())


def test_two_freezes_are_held_at_most_and_the_third_is_lost(ask: Ask) -> None:
    grants = [freeze(1, 1), freeze(1, 2), freeze(2, 3)]
    facts = practised(3)
    assert ask(facts, march(3), *grants).day.held == 2
    assert ask(facts, march(5), *grants).day == DayAnswer(1, 1, march(3), march(3), 1, (march(4),))
    assert ask(facts, march(7), *grants).day == DayAnswer(0, 1, None, march(3), 0, (march(4), march(5)))


def test_a_freeze_adds_one_up_to_the_limit_it_was_recorded_with(ask: Ask) -> None:
    facts = practised(9)

    def held(*limits: int) -> int:
        grants = [freeze(1, number, held_at_most=limit) for number, limit in enumerate(limits, start=1)]
        return ask(facts, march(9), *grants).day.held

    assert held(2, 2, 2) == 2
    assert held(3, 3, 3, 3) == 3
    # A limit that was raised lets more be held, one that was lowered takes none away.
    assert held(2, 2, 3) == 3
    assert held(3, 3, 3, 2) == 3
    assert held(2, 2, 0, 1) == 2
    # Of one day, in the order of their recording: here that of their ids.
    assert (held(1, 2), held(2, 1)) == (2, 1)


def test_a_freeze_told_twice_is_one_and_is_for_one_streak(ask: Ask) -> None:
    facts = practised(1, 4)
    grants = [freeze(1), freeze(1), freeze(1, 2, ALL_PRODUCTS)]
    assert ask(facts, march(4), *grants).day == DayAnswer(1, 1, march(4), march(4), 0, (march(2),))
    over_all = ask(facts, march(4), *grants, product=ALL_PRODUCTS).day
    assert over_all == DayAnswer(1, 1, march(4), march(4), 0, (march(2),))


def test_no_freeze_is_used_while_no_streak_is_alive(ask: Ask) -> None:
    facts = practised(1, 10)
    assert ask(facts, march(12), freeze(3)).day == DayAnswer(1, 1, march(10), march(10), 0, (march(11),))


@pytest.mark.parametrize("grant", [2, 3])
def test_a_freeze_helps_from_its_own_day_on(ask: Ask, grant: int) -> None:
    alive = grant == 2
    assert ask(practised(1), march(3), freeze(grant)).day == DayAnswer(
        int(alive), 1, march(1) if alive else None, march(1), 0 if alive else 1, (march(2),) if alive else ()
    )


def test_a_late_day_may_wake_a_streak_that_spends_a_freeze(ask: Ask) -> None:
    """So `best` may fall when a completion arrives late: the rules promise nothing else."""
    facts = practised(1, 20, 21, 23, 24)
    assert ask(facts, march(24), freeze(5)).day == DayAnswer(4, 4, march(20), march(24), 0, (march(22),))
    late = [*facts, *practised(10)]
    assert ask(late, march(24), freeze(5)).day == DayAnswer(2, 2, march(23), march(24), 0, (march(11),))
