"""Combines calls that come at the same time into one piece of work."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextvars import Context
from typing import Generic, TypeVar

# Longer than a connection and a statement may take, each by itself.
LONGEST_SECONDS = 20.0

Asked = TypeVar("Asked")
Outcome = TypeVar("Outcome")


class Combiner(Generic[Asked, Outcome]):
    """Does at once what is asked at once, and together what is asked meanwhile.

    Nobody waits for company: a call that comes alone is served alone. `serve`
    returns an outcome for each that was asked, in order; what it raises, all of
    them get. A caller that is cancelled may be served all the same. Together
    go at most `most` by what `weigh` says of each, or one that is heavier.

    What takes longer than `longest_seconds` is broken off with TimeoutError: it
    is nobody's call, so no deadline ends it, and all who come later wait for it.
    """

    def __init__(
        self,
        serve: Callable[[Sequence[Asked]], Awaitable[Sequence[Outcome]]],
        *,
        most: int,
        weigh: Callable[[Asked], int] = lambda _: 1,
        longest_seconds: float = LONGEST_SECONDS,
    ) -> None:
        self._serve = serve
        self._longest_seconds = longest_seconds
        self._most = most
        self._weigh = weigh
        self._waiting: deque[tuple[Asked, asyncio.Future[Outcome]]] = deque()
        self._serving: asyncio.Task[None] | None = None

    async def __call__(self, asked: Asked) -> Outcome:
        """Returns the outcome."""
        outcome: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._waiting.append((asked, outcome))
        if self._serving is None:
            # Of no caller: what is bound to one, such as a request id, is not everybody's.
            self._serving = asyncio.create_task(self._serve_all(), context=Context())
        return await outcome

    async def _serve_all(self) -> None:
        try:
            while self._waiting:
                # What came in the same moment is there by then.
                await asyncio.sleep(0)
                await self._serve_some()
        finally:
            self._serving = None

    async def _serve_some(self) -> None:
        some = self._take()
        if not some:
            return
        try:
            async with asyncio.timeout(self._longest_seconds):
                outcomes = await self._serve([asked for asked, _ in some])
        except BaseException as error:
            for _, waiting in some:
                if not waiting.done():
                    waiting.set_exception(error)
            if not isinstance(error, Exception):
                raise
            return
        for (_, waiting), outcome in zip(some, outcomes, strict=True):
            if not waiting.done():
                waiting.set_result(outcome)

    def _take(self) -> list[tuple[Asked, asyncio.Future[Outcome]]]:
        """Takes those who waited longest, but for those who wait no longer."""
        taken: list[tuple[Asked, asyncio.Future[Outcome]]] = []
        weight = 0
        while self._waiting:
            asked, waiting = self._waiting[0]
            weight += self._weigh(asked)
            if taken and weight > self._most:
                break
            self._waiting.popleft()
            if waiting.done():
                weight -= self._weigh(asked)
            else:
                taken.append((asked, waiting))
        return taken
