"""Tells all listeners the time by one timer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

# Listeners take turns within a period: telling thousands at once would hold up everything else.
_TURNS = 20
_SHORTEST_TURN_SECONDS = 0.02

# Called with the event loop's time.
Tell = Callable[[float], None]


class Ticker:
    """Calls each of its listeners once a period, at the first turn after as long as it has been listening.

    One timer goes from turn to turn while somebody listens. However late it is, nobody is told before
    their time, and nobody twice.
    """

    def __init__(self, period: float) -> None:
        self._loop = asyncio.get_running_loop()
        self._period = period
        self._turns = max(1, min(_TURNS, int(period / _SHORTEST_TURN_SECONDS)))
        self._turn_seconds = period / self._turns
        # By place in the period, each with the number of the first turn that is theirs.
        self._places: list[dict[Tell, int]] = [{} for _ in range(self._turns)]
        self._count = 0
        self._last = 0
        self._timer: asyncio.TimerHandle | None = None

    def add(self, tell: Tell) -> Callable[[], None]:
        """Calls `tell` from a period on from now; returns what ends that."""
        first = int((self._loop.time() + self._period) / self._turn_seconds) + 1
        place = self._places[first % self._turns]
        place[tell] = first
        self._count += 1
        if self._timer is None:
            self._last = int(self._loop.time() / self._turn_seconds)
            self._wait()

        def remove() -> None:
            if place.pop(tell, None) is not None:
                self._count -= 1

        return remove

    def _wait(self) -> None:
        self._timer = self._loop.call_at((self._last + 1) * self._turn_seconds, self._tick)

    def _tick(self) -> None:
        self._timer = None
        if not self._count:
            return
        now = self._loop.time()
        # A timer may be a little early, which is its turn all the same, or late by many.
        reached = max(self._last + 1, int(now / self._turn_seconds))
        for turn in range(max(self._last, reached - self._turns) + 1, reached + 1):
            for tell, first in list(self._places[turn % self._turns].items()):
                if turn >= first:
                    tell(now)
        self._last = reached
        self._wait()
