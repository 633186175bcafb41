"""One timer for everybody who is told the time."""

from __future__ import annotations

import asyncio
import time

from gateway.bridge.ticker import Ticker
from tests.waiting import until

PERIOD = 0.1


class Clock:
    """Notes when it was told the time."""

    def __init__(self) -> None:
        self.told: list[float] = []

    def tell(self, now: float) -> None:
        self.told.append(now)


async def test_nobody_is_told_before_a_period_has_gone_by_nor_twice_in_one() -> None:
    loop, ticker = asyncio.get_running_loop(), Ticker(PERIOD)
    clocks, began = [], []
    for _ in range(30):
        clocks.append(Clock())
        began.append(loop.time())
        ticker.add(clocks[-1].tell)
        await asyncio.sleep(0.007)

    await until(lambda: all(len(clock.told) >= 5 for clock in clocks))

    for clock, start in zip(clocks, began, strict=True):
        assert all(told >= start + number * PERIOD for number, told in enumerate(clock.told, start=1))


async def test_who_was_to_be_told_several_times_while_the_loop_was_held_up_is_told_once() -> None:
    ticker, clock = Ticker(PERIOD), Clock()
    ticker.add(clock.tell)
    await until(lambda: len(clock.told) == 1)

    time.sleep(5 * PERIOD)
    await until(lambda: len(clock.told) == 3)

    # All that was due by then was one call of the timer.
    assert len(set(clock.told)) == 3


async def test_who_listens_no_longer_is_not_told_also_when_another_one_leaves_meanwhile() -> None:
    ticker, staying, leaving = Ticker(PERIOD), Clock(), Clock()
    ticker.add(lambda _: stop())
    stop = ticker.add(leaving.tell)
    ticker.add(staying.tell)
    await until(lambda: len(staying.told) >= 2)
    stop()
    heard = len(leaving.told)
    await until(lambda: len(staying.told) >= 5)
    assert len(leaving.told) == heard <= 1
