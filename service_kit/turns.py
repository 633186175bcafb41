"""Takes turns at what holds the event loop for a moment each time, such as making a piece of a download."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import TypeVar

T = TypeVar("T")

# However long a piece took: a database that is slow for a moment is not the event loop's fault.
_LONGEST_REST_SECONDS = 0.1


class Turns:
    """Lets one of many generators at a time make its next piece, whoever has waited longest first.

    Forty that begin together would otherwise each hold the event loop for
    some milliseconds between any two steps of another call. After each piece
    nobody's turn begins for as long as it took to make.
    """

    def __init__(self) -> None:
        self._turn = asyncio.Lock()

    async def each(self, pieces: AsyncGenerator[T]) -> AsyncGenerator[T]:
        """Yields what a generator does; nobody waits for whoever takes its pieces slowly."""
        async with aclosing(pieces):
            while True:
                await self._turn.acquire()
                loop = asyncio.get_running_loop()
                began = loop.time()
                try:
                    piece = await anext(pieces)
                except StopAsyncIteration:
                    return
                finally:
                    loop.call_later(min(loop.time() - began, _LONGEST_REST_SECONDS), self._turn.release)
                yield piece
