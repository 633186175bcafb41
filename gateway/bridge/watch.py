"""What one listener hears from the session service, across its restarts."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Protocol

import grpc
from practice.products.portal.v1.portal_service_pb2 import LiveUpdate

from service_kit.logging import get_logger

# The service answered, and would answer the same again.
FINAL = frozenset(
    {
        grpc.StatusCode.NOT_FOUND,
        grpc.StatusCode.PERMISSION_DENIED,
        grpc.StatusCode.UNAUTHENTICATED,
        grpc.StatusCode.INVALID_ARGUMENT,
        grpc.StatusCode.UNIMPLEMENTED,
    }
)
# Updates on their way to a listener, or waiting for one that reads slowly. The journal has the others.
CREDIT = 16
FIRST_WAIT_SECONDS = 0.1
LONGEST_WAIT_SECONDS = 3.0

log = get_logger(__name__)


class WatchRefusedError(Exception):
    """The service refused, or could not be asked."""

    def __init__(self, code: grpc.StatusCode) -> None:
        super().__init__(code.name)
        self.code = code


@dataclass(frozen=True, slots=True)
class Listener:
    """Who listens to which session: the bearer of an access token."""

    session_id: str
    token: str
    request_id: str


class Upstream(Protocol):
    """The way to the session service."""

    def begin(self, watch: Watch) -> None:
        """Asks for what comes after the watch's cursor; what it hears is told to `watch`."""

    def take(self, watch: Watch, more: int) -> None:
        """Says that so many more updates may come."""

    def leave(self, watch: Watch) -> None:
        """Asks for nothing more."""


class Watch:
    """One listener's watch. Open it, iterate over `updates`, close it.

    What breaks is begun again after the last update heard, as often as it
    takes. The service sends everything after that update and no present
    state, so nothing is lost and nothing comes twice. `cursor` is that
    update's, 0 before the first.
    """

    __slots__ = (
        *("_again", "_closed", "_ended", "_heard", "_lent", "_taken", "_upstream", "_wait", "_waiter"),
        *("asked_from", "cursor", "has_moved", "listener", "number"),
    )

    def __init__(self, upstream: Upstream, listener: Listener) -> None:
        self.listener = listener
        self.cursor = 0
        # Of this watch in its stream, 0 in none.
        self.number = 0
        # The cursor that its stream was asked with.
        self.asked_from = 0
        # Whether the first stream told it nothing and it was sent to another.
        self.has_moved = False
        self._upstream = upstream
        self._heard: list[LiveUpdate | WatchRefusedError] = []
        # Whether the last update handed out is still being told to the client.
        self._lent = False
        self._taken = 0
        self._closed = False
        # Whether nothing comes any more: the session's end was heard, or a refusal.
        self._ended = False
        self._wait = FIRST_WAIT_SECONDS
        self._waiter: asyncio.Future[None] | None = None
        self._again: asyncio.TimerHandle | None = None

    async def open(self) -> LiveUpdate:
        """Returns the present state. Raises WatchRefusedError when the service refuses or does not answer."""
        self._upstream.begin(self)
        update = await self._next()
        if update is None:
            raise WatchRefusedError(grpc.StatusCode.CANCELLED)
        return update

    async def updates(self) -> AsyncIterator[LiveUpdate]:
        """Yields what happens after that, until the session's end or `close`.

        Raises WatchRefusedError once the service refuses for good.
        """
        while (update := await self._next()) is not None:
            yield update
            if update.ended:
                return

    def close(self) -> None:
        """Ends the watch. Safe to call again."""
        if self._closed:
            return
        self._closed = True
        if self._again is not None:
            self._again.cancel()
        self._upstream.leave(self)
        self._wake()

    def credit(self) -> int:
        """Returns how many updates may come when the watch is begun now."""
        self._taken = 0
        return CREDIT - len(self._heard) - self._lent

    def hear(self, update: LiveUpdate) -> None:
        """Takes an update, unless it was heard before."""
        self._wait = FIRST_WAIT_SECONDS
        if update.cursor <= self.cursor:
            self._take()
            return
        self.cursor = update.cursor
        self._ended = update.ended
        self._heard.append(update)
        self._wake()

    def refuse(self, code: grpc.StatusCode) -> None:
        """Takes it that the service ended the watch by itself."""
        if self._closed or self._ended:
            return
        if code in FINAL or not self.cursor:
            self._ended = True
            self._heard.append(WatchRefusedError(code))
            self._wake()
            return
        log.warning("watch_broke", session=self.listener.session_id, error=code.name)
        wait = self._wait * random.uniform(0.5, 1.0)  # noqa: S311 - no secret
        self._wait = min(self._wait * 2, LONGEST_WAIT_SECONDS)
        self._again = asyncio.get_running_loop().call_later(wait, self._upstream.begin, self)

    async def _next(self) -> LiveUpdate | None:
        """Returns the next update, None once the watch is closed. The one before has been told."""
        if self._lent:
            self._lent = False
            self._take()
        while not self._heard and not self._closed:
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        if self._closed:
            return None
        heard = self._heard.pop(0)
        if isinstance(heard, WatchRefusedError):
            raise heard
        self._lent = True
        return heard

    def _take(self) -> None:
        self._taken += 1
        if self._taken >= CREDIT // 2:
            self._upstream.take(self, self._taken)
            self._taken = 0

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
