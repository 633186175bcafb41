"""Waits until what a caller wrote is counted."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress

from service_kit.combiner import Combiner
from stats_service.application.ports.reading import Reader

# For how many learners one query asks.
_MOST_LOOKED_AT = 1_000
# Those who wait for a look that hangs could have looked again by then.
_LONGEST_LOOK_SECONDS = 5.0


class Waiting:
    """Lets callers wait until a learner's facts up to a number are counted, for a bounded time.

    Whoever waits looks once, and then again when a hint says that something of the learner was
    counted (`hear`). Hints may be lost, so everybody who waits looks every so often, at the same
    time. Those who look at once share a query. Once `most` callers wait in this process, the next
    ones look and go.
    """

    def __init__(
        self, reader: Reader, longest_seconds: float, *, every_seconds: float = 0.25, most: int = 2_000
    ) -> None:
        self._reader = reader
        self._longest = longest_seconds
        self._every = every_seconds
        self._most = most
        self._look = Combiner(
            self._applied_through, most=_MOST_LOOKED_AT, longest_seconds=_LONGEST_LOOK_SECONDS
        )
        self._waiting: dict[int, set[asyncio.Event]] = {}
        self._count = 0

    async def wait(self, user_id: int, min_user_seq: int) -> bool:
        """Tells whether the fact of this number and all before it are counted, once they are or time is up.

        Of number 0 nothing is to be waited for, or looked at.
        """
        if not min_user_seq:
            return True
        if self._count >= self._most:
            return await self._look(user_id) >= min_user_seq
        # Before the first look, so that what is counted during it is heard.
        with self._woken(user_id) as woken:
            return await self._wait(user_id, min_user_seq, woken)

    async def _wait(self, user_id: int, min_user_seq: int, woken: asyncio.Event) -> bool:
        loop = asyncio.get_running_loop()
        stop = loop.time() + self._longest
        while await self._look(user_id) < min_user_seq:
            now = loop.time()
            if now >= stop:
                return False
            # The same instant for all, whenever they came.
            together = (now // self._every + 1) * self._every
            with suppress(TimeoutError):
                async with asyncio.timeout_at(min(together, stop)):
                    await woken.wait()
            woken.clear()
        return True

    def hear(self, user_ids: Collection[int]) -> None:
        """Takes a hint that something of these learners was counted."""
        for user_id in user_ids:
            for woken in self._waiting.get(user_id, ()):
                woken.set()

    @contextmanager
    def _woken(self, user_id: int) -> Iterator[asyncio.Event]:
        woken = asyncio.Event()
        waiting = self._waiting.setdefault(user_id, set())
        waiting.add(woken)
        self._count += 1
        try:
            yield woken
        finally:
            self._count -= 1
            waiting.remove(woken)
            if not waiting:
                del self._waiting[user_id]

    async def _applied_through(self, user_ids: Sequence[int]) -> Sequence[int]:
        found = await self._reader.applied_through(set(user_ids))
        return [found.get(user_id, 0) for user_id in user_ids]
