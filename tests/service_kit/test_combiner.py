"""What is asked while something is done is done together, and each gets its own outcome."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextvars import ContextVar

import pytest

from service_kit.combiner import Combiner

of_caller: ContextVar[str] = ContextVar("of_caller", default="nobody")


class Doubling:
    """Doubles numbers when it is let, and remembers which it was given together."""

    def __init__(self) -> None:
        self.lots: list[list[int]] = []
        self.bound: set[str] = set()
        self.go = asyncio.Event()
        self.begun = asyncio.Event()

    async def __call__(self, numbers: Sequence[int]) -> list[int]:
        self.lots.append(list(numbers))
        self.bound.add(of_caller.get())
        self.begun.set()
        await self.go.wait()
        if 13 in numbers:
            raise ValueError("13")
        return [2 * number for number in numbers]


async def test_one_that_comes_alone_is_served_alone_and_the_rest_together() -> None:
    double = Doubling()
    combine = Combiner(double, most=64)
    first = asyncio.create_task(combine(1))
    await double.begun.wait()
    others = [asyncio.create_task(combine(number)) for number in range(2, 7)]
    await asyncio.sleep(0)
    double.go.set()
    assert await first == 2
    assert await asyncio.gather(*others) == [4, 6, 8, 10, 12]
    assert double.lots == [[1], [2, 3, 4, 5, 6]]
    # And again, after everybody was served.
    assert await combine(7) == 14


async def test_what_comes_in_the_same_moment_goes_together_up_to_the_most() -> None:
    double = Doubling()
    double.go.set()
    combine = Combiner(double, most=6, weigh=lambda number: number)
    assert await asyncio.gather(*map(combine, (1, 2, 3, 4, 9, 1))) == [2, 4, 6, 8, 18, 2]
    assert double.lots == [[1, 2, 3], [4], [9], [1]]


async def test_a_lot_that_never_ends_is_broken_off_and_the_next_one_served() -> None:
    double = Doubling()
    combine = Combiner(double, most=64, longest_seconds=0.05)
    stuck = asyncio.create_task(combine(1))
    await double.begun.wait()
    with pytest.raises(TimeoutError):
        await stuck
    double.go.set()
    assert await combine(2) == 4


async def test_what_fails_fails_for_its_lot_alone() -> None:
    double = Doubling()
    double.go.set()
    combine = Combiner(double, most=2)
    outcomes = await asyncio.gather(*map(combine, (1, 13, 3)), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [ValueError, ValueError, int]


async def test_who_is_cancelled_takes_nobody_along() -> None:
    double = Doubling()
    combine = Combiner(double, most=64)
    served, waiting, other = (asyncio.create_task(combine(number)) for number in (1, 2, 3))
    await double.begun.wait()
    late = asyncio.create_task(combine(4))
    await asyncio.sleep(0)
    served.cancel()
    late.cancel()
    with pytest.raises(asyncio.CancelledError):
        await served
    double.go.set()
    assert await asyncio.gather(waiting, other) == [4, 6]
    # Who left before the work began is not worked for.
    assert await combine(5) == 10
    assert double.lots == [[1, 2, 3], [5]]


async def test_nothing_of_a_caller_is_bound_to_the_work() -> None:
    double = Doubling()
    double.go.set()
    of_caller.set("somebody")
    assert await Combiner(double, most=64)(1) == 2
    assert double.bound == {"nobody"}
