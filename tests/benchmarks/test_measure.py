from __future__ import annotations

from itertools import count

import pytest

from benchmarks.context import Context
from benchmarks.measure import (
    Goal,
    Line,
    Outcome,
    Round,
    Side,
    Spread,
    best,
    quantile,
    ratio,
    ratio_of_medians,
    take_turns,
)
from benchmarks.report import table
from benchmarks.rows.soak import grown


def side(name: str, *values: float, latencies: tuple[float, ...] = ()) -> Side:
    return Side(name, lambda: Round(0), [Round(value, latencies) for value in values])


def test_sides_are_warmed_and_then_take_turns_every_other_time_the_other_way_round() -> None:
    order: list[str] = []
    numbers = count()

    def run(name: str) -> Round:
        order.append(name)
        return Round(next(numbers))

    first, second = (Side(name, lambda name=name: run(name)) for name in "ab")  # type: ignore[misc]
    take_turns([first, second], 3, lambda _: None)
    assert "".join(order) == "ab" + "ab" + "ba" + "ab"
    assert [each.value for each in first.rounds] == [2, 5, 6], "the warming is no round"


def test_a_ratio_is_that_of_paired_rounds() -> None:
    assert ratio(side("a", 10, 20, 90), side("b", 10, 10, 30)) == Spread(2, 1, 3)
    slow, quick = side("a", 1, latencies=(1, 6, 9)), side("b", 1, latencies=(1, 2, 3))
    assert ratio_of_medians(slow, quick) == Spread(3, 3, 3)


def test_the_better_side_is_that_of_the_larger_median() -> None:
    steady, once = side("steady", 5, 5, 5), side("once", 1, 1, 100)
    assert best([once, steady]) is steady


def test_a_quantile_has_its_share_below_it() -> None:
    assert quantile(range(1, 101), 0.5) == 51
    assert quantile(range(1, 101), 0.99) == 100
    assert quantile([7], 0.99) == 7


def test_few_operations_of_a_round_are_looked_at_together() -> None:
    few = Side("few", lambda: Round(0), [Round(1, (1, 2)), Round(1, (3, 100))])
    assert few.pooled_quantile(0.5) == Spread(3, 2, 100)


def test_a_goal_says_what_was_reached() -> None:
    faster, less = Goal(3, 4), Goal(20, 12, "ms", at_most=True)
    assert [faster.verdict(value) for value in (2.9, 3, 4)] == ["**not met**", "must met", "aim met"]
    assert [less.verdict(value) for value in (20.1, 20, 12)] == ["**not met**", "must met", "aim met"]


def test_a_line_of_the_table_has_the_ratio_its_spread_and_the_verdict() -> None:
    line = Line("answers", "30 /s", "10 /s", Spread(3.04, 2.9, 3.2), Goal(3, 4))
    shown = list(table({"answers": Outcome(lines=[line])}))
    assert shown[2:] == ["| answers | 30 /s | 10 /s | 3.04 (2.90 to 3.20) times | ≥ 3 / 4 times | must met |"]


def test_what_grew_is_told_of_the_time_after_warm_up_alone() -> None:
    warming = [(moment, moment * 1_000_000) for moment in range(10)]
    assert grown([*warming, *((moment, 1000) for moment in range(10, 20))], 10) == 0
    assert grown([*warming, (10, 990), (15, 1000), (20, 1010)], 10) == pytest.approx(2)


def test_numbers_of_callers_are_divided_and_one_stays() -> None:
    context = Context(shrink=16)
    assert [context.shrunk(size) for size in (64, 16, 1)] == [4, 1, 1]
