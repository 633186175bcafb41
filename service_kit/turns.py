"""Takes turns at what holds the event loop for a moment each time, such as making a piece of a download."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import TypeVar

T = TypeVar("T")

# However long a piece took: a database that is slow for a moment is not the event loop's fault.
_LONGEST_REST_SECONDS = 0.1


class _End:
    """What stands behind the last piece."""


_END = _End()


class Turns:
    """Lets one of many callers at a time do its next piece of work, whoever has waited longest first.

    Forty that begin together would otherwise each hold the event loop, or a
    core, for some milliseconds between any two steps of another call. After
    each piece nobody's turn begins for as long as it took.
    """

    def __init__(self) -> None:
        self._turn = asyncio.Lock()

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Waits for the caller's turn, which lasts for the block."""
        await self._turn.acquire()
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            yield
        finally:
            loop.call_later(min(loop.time() - began, _LONGEST_REST_SECONDS), self._turn.release)

    async def each(self, pieces: AsyncGenerator[T]) -> AsyncGenerator[T]:
        """Yields what a generator does, each piece made in a turn. Nobody waits for a slow taker."""
        async with aclosing(pieces):
            while True:
                async with self.turn():
                    piece = await anext(pieces, _END)
                if isinstance(piece, _End):
                    return
                yield piece
