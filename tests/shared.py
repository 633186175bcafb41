"""What tests share that is costly to start, such as a server: one for each set of settings.

A test asks for it as if it were its own and gets what an earlier one left running. What
is shared has no memory that matters between tests: people are new in each, the database
is the same anyway. What a test breaks, stops or waits on by itself it opens by itself.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Hashable
from contextlib import AbstractAsyncContextManager
from typing import Any, TypeVar

T = TypeVar("T")

# Of settings that only one test wants, what was not asked for longest is closed beyond this.
_KEPT = 8


class Shared:
    """Context managers that stay entered, each by a task of its own, which is what leaves it as well."""

    def __init__(self) -> None:
        self._open: OrderedDict[Hashable, _Entered] = OrderedDict()

    async def of(self, key: Hashable, opening: Callable[[], AbstractAsyncContextManager[T]]) -> T:
        """Returns what entering `opening()` gave, which happens once a key."""
        if key not in self._open:
            while len(self._open) >= _KEPT:
                await self._open.popitem(last=False)[1].leave()
            entered = _Entered(opening())
            await entered.enter()
            self._open[key] = entered
        self._open.move_to_end(key)
        value: T = self._open[key].value
        return value

    async def close(self) -> None:
        """Leaves all, the youngest first: it may use the older."""
        while self._open:
            await self._open.popitem()[1].leave()


class _Entered:
    value: Any

    def __init__(self, manager: AbstractAsyncContextManager[Any]) -> None:
        self._manager = manager
        self._leaving = asyncio.Event()

    async def enter(self) -> None:
        inside: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._task = asyncio.create_task(self._stay(inside))
        # Whichever comes first: it is open, or opening it failed.
        await asyncio.wait({inside, self._task}, return_when=asyncio.FIRST_COMPLETED)
        if not inside.done():
            await self._task
        self.value = inside.result()

    async def _stay(self, inside: asyncio.Future[Any]) -> None:
        async with self._manager as value:
            inside.set_result(value)
            await self._leaving.wait()

    async def leave(self) -> None:
        self._leaving.set()
        await self._task


def frozen(settings: dict[str, Any]) -> Hashable:
    """Returns settings as a key."""
    return tuple(sorted((name, str(value)) for name, value in settings.items()))
