"""Threads for work that takes a processor for a while, such as reading a large document."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import ParamSpec, Protocol, TypeVar

from service_kit.errors import TooManyAtOnceError

P = ParamSpec("P")
T = TypeVar("T")

# What takes less than a hundredth of a second to read.
LARGE_BYTES = 64 * 1024


class RunInThread(Protocol):
    """Runs work in another thread than the event loop, as asyncio.to_thread does."""

    def __call__(self, work: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Awaitable[T]:
        """Returns what the work returns, or raises what it raises."""
        ...


class WorkerThreads(RunInThread):
    """Two threads: one for large pieces, one for small ones that wait for no large one.

    All threads share one interpreter, which a large piece holds for a tenth
    of a second at a time; another call asks for it some twenty times. So the
    thread of the large pieces rests after each for as long as it took. At
    most `most_waiting` pieces of a kind wait for their turn. A piece whose
    caller has left is not begun.
    """

    def __init__(self, what: str, most_waiting: int) -> None:
        self._large = _Worker(what, most_waiting, rests=True)
        self._small = _Worker(what, most_waiting, rests=False)

    async def __call__(self, work: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Raises TooManyAtOnceError when too many wait."""
        worker = self._large if sum(map(_size, args)) > LARGE_BYTES else self._small
        return await worker.run(partial(work, *args, **kwargs))

    def close(self) -> None:
        """Begins nothing more."""
        self._large.close()
        self._small.close()


def _size(argument: object) -> int:
    """Returns the bytes of what is worked on: a text, bytes or a message."""
    if isinstance(argument, str | bytes):
        return len(argument)
    # As every message of protobuf has it, which this module does not know.
    measure: Callable[[], int] = getattr(argument, "ByteSize", int)
    return measure()


class _Worker:
    """One thread, which does pieces of work one after the other."""

    def __init__(self, what: str, most_waiting: int, *, rests: bool) -> None:
        self._what = what
        self._most = most_waiting
        self._rests = rests
        self._waiting = 0
        self._rested_at = 0.0
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix=what)

    async def run(self, work: Callable[[], T]) -> T:
        """Raises TooManyAtOnceError when too many wait."""
        if self._waiting > self._most:
            raise TooManyAtOnceError(self._what, self._most)
        self._waiting += 1
        try:
            return await asyncio.wrap_future(self._thread.submit(self._in_turn, work))
        finally:
            self._waiting -= 1

    def _in_turn(self, work: Callable[[], T]) -> T:
        time.sleep(max(0.0, self._rested_at - time.monotonic()))
        began = time.monotonic()
        try:
            return work()
        finally:
            ended = time.monotonic()
            self._rested_at = 2 * ended - began if self._rests else ended

    def close(self) -> None:
        self._thread.shutdown(wait=False, cancel_futures=True)
