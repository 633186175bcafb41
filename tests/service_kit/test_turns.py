"""One piece at a time, whoever waits longest first, and nobody waits for a slow taker."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

import pytest

from service_kit.turns import Turns
from tests.waiting import PATIENCE_SECONDS


class Making:
    """Generators that note who makes a piece, and how many do at once."""

    def __init__(self) -> None:
        self.at_once = 0
        self.most_at_once = 0
        self.made: list[str] = []

    async def pieces(self, name: str, number: int) -> AsyncGenerator[str]:
        for _ in range(number):
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
            try:
                await asyncio.sleep(0.001)
            finally:
                self.at_once -= 1
            self.made.append(name)
            yield name


async def take_all(pieces: AsyncGenerator[str]) -> list[str]:
    async with asyncio.timeout(PATIENCE_SECONDS):
        return [piece async for piece in pieces]


async def test_one_makes_a_piece_at_a_time_and_each_has_its_turn() -> None:
    turns, making = Turns(), Making()
    names = [f"{number}" for number in range(40)]
    taken = await asyncio.gather(*(take_all(turns.each(making.pieces(name, 3))) for name in names))
    assert taken == [[name] * 3 for name in names]
    assert making.most_at_once == 1
    assert making.made == names * 3


async def test_who_takes_slowly_keeps_nobody_waiting() -> None:
    turns, making = Turns(), Making()
    async with aclosing(turns.each(making.pieces("slow", 2))) as slow:
        assert await anext(slow) == "slow"
        assert await take_all(turns.each(making.pieces("quick", 5))) == ["quick"] * 5


async def test_a_turn_ends_with_an_error_and_with_whoever_leaves() -> None:
    turns, making = Turns(), Making()

    async def broken() -> AsyncGenerator[str]:
        raise ZeroDivisionError
        yield ""

    async def silent() -> AsyncGenerator[str]:
        await asyncio.Event().wait()
        yield ""

    with pytest.raises(ZeroDivisionError):
        await take_all(turns.each(broken()))
    leaving = [asyncio.create_task(take_all(turns.each(silent()))) for _ in range(2)]
    await asyncio.sleep(0.01)
    for task in leaving:
        task.cancel()
    await asyncio.wait(leaving)
    assert await take_all(turns.each(making.pieces("next", 2))) == ["next", "next"]
