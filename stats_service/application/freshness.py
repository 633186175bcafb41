"""Waits until what a caller wrote is counted, or until more of it is."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Collection, Sequence
from contextlib import AbstractContextManager, suppress
from typing import Protocol

from service_kit.combiner import Combiner
from stats_service.application.ports.reading import Reader

# For how many learners one query asks.
_MOST_LOOKED_AT = 1_000
# Those who wait for a look that hangs could have looked again by then.
_LONGEST_LOOK_SECONDS = 5.0


class Heard(Protocol):
    """How far learners are counted, as workers say it after their commits."""

    def expecting(self, number: int, place: int, /) -> AbstractContextManager[asyncio.Event]:
        """Gives what is set once a learner is said to be counted up to a fact's number or beyond it."""


class Followed(Protocol):
    """How far a learner is counted, to one who follows them."""

    async def beyond(self, place: int, /) -> None:
        """Returns once the learner is said to be counted beyond a fact's number, anew each time."""


class Followers(Protocol):
    """Tells who follows learners how far those are counted, as workers say it after their commits."""

    def hear(self, numbers: Sequence[int], /) -> None:
        """Takes what is said: a learner, how far they are counted, another learner and so on."""

    def followed(self) -> Collection[int]:
        """Returns the learners whom somebody follows."""

    def following(self, number: int, /) -> AbstractContextManager[Followed]:
        """Follows a learner for the duration of a block."""


class LookAtFollowed:
    """Looks for what was not heard of: one query for all whom somebody follows."""

    def __init__(self, reader: Reader, followers: Followers) -> None:
        self._reader = reader
        self._followers = followers

    async def __call__(self) -> None:
        """Looks once, and at nothing when nobody is followed."""
        followed = self._followers.followed()
        if followed:
            found = await self._reader.applied_through(followed)
            self._followers.hear([number for place in found.items() for number in place])


class Waiting:
    """Lets callers wait until a learner's facts up to a number are counted, for a bounded time.

    Whoever waits looks once, and is done when it is heard that the learner is counted so far.
    That may be lost, so everybody who waits looks every so often, at the same time. Those who
    look at once share a query. Once `most` callers wait in this process, the next ones look and go.
    """

    def __init__(
        self,
        reader: Reader,
        heard: Heard,
        longest_seconds: float,
        *,
        every_seconds: float = 0.25,
        most: int = 2_000,
    ) -> None:
        self._reader = reader
        self._heard = heard
        self._longest = longest_seconds
        self._every = every_seconds
        self._most = most
        self._look = Combiner(
            self._applied_through, most=_MOST_LOOKED_AT, longest_seconds=_LONGEST_LOOK_SECONDS
        )
        self._count = 0

    async def wait(self, user_id: int, min_user_seq: int, *, longest_seconds: float = math.inf) -> bool:
        """Tells whether the fact of this number and all before it are counted, once they are or time is up.

        Of number 0 nothing is to be waited for, or looked at.
        """
        if not min_user_seq:
            return True
        if self._count >= self._most:
            return await self._look(user_id) >= min_user_seq
        self._count += 1
        try:
            # Before the first look, so that what is counted during it is heard.
            with self._heard.expecting(user_id, min_user_seq) as reached:
                return await self._wait(user_id, min_user_seq, reached, min(self._longest, longest_seconds))
        finally:
            self._count -= 1

    async def _wait(
        self, user_id: int, min_user_seq: int, reached: asyncio.Event, longest_seconds: float
    ) -> bool:
        loop = asyncio.get_running_loop()
        stop = loop.time() + longest_seconds
        while not reached.is_set() and await self._look(user_id) < min_user_seq:
            now = loop.time()
            if now >= stop:
                return reached.is_set()
            # The same instant for all, whenever they came.
            together = (now // self._every + 1) * self._every
            with suppress(TimeoutError):
                async with asyncio.timeout_at(min(together, stop)):
                    await reached.wait()
        return True

    async def _applied_through(self, user_ids: Sequence[int]) -> Sequence[int]:
        found = await self._reader.applied_through(set(user_ids))
        return [found.get(user_id, 0) for user_id in user_ids]
