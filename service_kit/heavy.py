"""Work that takes a processor for a while, such as reading a large document."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, Protocol, TypeVar

from service_kit.errors import TooManyAtOnceError

P = ParamSpec("P")
T = TypeVar("T")


class Aside(Protocol):
    """Does work beside the event loop, as asyncio.to_thread does."""

    def __call__(self, work: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Awaitable[T]:
        """Returns what the work returns, or raises what it raises."""
        ...


class HeavyWork:
    """Implements Aside in one thread, as more would only fight for the interpreter.

    At most `most_waiting` pieces wait for their turn. A piece whose caller
    has left is not begun.
    """

    def __init__(self, what: str, most_waiting: int) -> None:
        self._what = what
        self._most = most_waiting
        self._waiting = 0
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix=what)

    async def __call__(self, work: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Raises TooManyAtOnceError when too many wait."""
        if self._waiting > self._most:
            raise TooManyAtOnceError(self._what, self._most)
        self._waiting += 1
        try:
            return await asyncio.wrap_future(self._thread.submit(work, *args, **kwargs))
        finally:
            self._waiting -= 1

    def close(self) -> None:
        """Begins nothing more."""
        self._thread.shutdown(wait=False, cancel_futures=True)
