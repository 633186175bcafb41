"""Lets a caller read their own write: waits for a completion to be counted."""

from __future__ import annotations

import asyncio

from stats_service.application.ports.reading import Learner, Reader

_FIRST_PAUSE_SECONDS = 0.01
_LONGEST_PAUSE_SECONDS = 0.1


class Waiting:
    """Waits until a person's completions up to a number are counted, for a bounded time."""

    def __init__(self, reader: Reader, longest_seconds: float) -> None:
        self._reader = reader
        self._longest = longest_seconds

    async def until_counted(self, user_id: int, min_user_seq: int) -> tuple[Learner, bool]:
        """Returns the learner, and whether fact `min_user_seq` or one before it is still not counted."""
        loop = asyncio.get_running_loop()
        stop = loop.time() + self._longest
        pause = _FIRST_PAUSE_SECONDS
        while True:
            learner = await self._reader.learner(user_id)
            left = stop - loop.time()
            if learner.applied_through >= min_user_seq or left <= 0:
                return learner, learner.applied_through < min_user_seq
            await asyncio.sleep(min(pause, left))
            pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)
