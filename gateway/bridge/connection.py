"""One listener's WebSocket, from the first event to the close."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import grpc
from practice.products.portal.v1.portal_service_pb2 import LiveUpdate
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed
from websockets.frames import CloseCode

from gateway.bridge.events import SessionClock, end_event, progress_event
from gateway.bridge.settings import BridgeSettings
from gateway.bridge.watch import Watch
from service_kit.logging import get_logger
from service_kit.tokens import CLOCK_SKEW_SECONDS

log = get_logger(__name__)


class SlowReaderError(Exception):
    """The client does not read what it is sent."""


class GivesWayError(Exception):
    """Somebody who listens nowhere yet has the place now."""


class Audience:
    """What a connection holds as long as it lasts: its watch and its place.

    `expires_at` is when the listener's token does, in Unix seconds; once
    `gives_way` is set, the place is another one's.
    """

    def __init__(
        self, watch: Watch, expires_at: float, gives_way: asyncio.Event, leave: Callable[[], None]
    ) -> None:
        self.watch = watch
        self.expires_at = expires_at
        self.gives_way = gives_way
        self._leave = leave

    def end(self) -> None:
        """Gives both back."""
        self.watch.close()
        self._leave()


class LiveConnection(ServerConnection):
    """A connection with its audience, which ends with it in every way it can end."""

    audience: Audience | None = None
    first: LiveUpdate | None = None

    def connection_lost(self, exc: Exception | None) -> None:
        """Ends the audience."""
        super().connection_lost(exc)
        if self.audience is not None:
            self.audience.end()
            self.audience = None


class Relay:
    """Tells one client what happens in its session."""

    def __init__(self, connection: LiveConnection, settings: BridgeSettings) -> None:
        assert connection.audience is not None
        assert connection.first is not None
        self._connection = connection
        self._audience = connection.audience
        self._first = connection.first
        self._tick = settings.bridge_tick_seconds
        self._patience = settings.bridge_send_seconds
        self._loop = asyncio.get_running_loop()
        self._began = self._loop.time()
        self._clock = SessionClock(self._first, self._began)

    async def __call__(self) -> None:
        """Returns when the connection is closed, or is to be closed normally."""
        try:
            await self._send(progress_event(self._first))
            await self._send(self._clock.event(self._loop.time()))
            last = self._first if self._first.ended else await self._until_the_end()
            if last is None:
                await self._connection.close(CloseCode.POLICY_VIOLATION, "access token expired")
                return
            await self._send(end_event(last))
        except ConnectionClosed:
            return
        except GivesWayError:
            await self._connection.close(CloseCode.TRY_AGAIN_LATER, "all places are taken")
        except SlowReaderError:
            log.warning("slow_reader_cut_off")
            # A close frame would only join the queue.
            self._connection.transport.abort()
        except grpc.aio.AioRpcError as error:
            log.warning("watch_refused", code=error.code().name)
            await self._connection.close(*_close_of(error))

    async def _until_the_end(self) -> LiveUpdate | None:
        """Returns the session's last update, None when the token expired before."""
        coroutines = (self._tell_changes(), self._tell_time(), self._listen(), self._make_room())
        tasks = [asyncio.create_task(coroutine) for coroutine in coroutines]
        try:
            seconds_left = self._audience.expires_at + CLOCK_SKEW_SECONDS - time.time()
            await asyncio.wait(tasks, timeout=seconds_left, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        for outcome in outcomes:
            if isinstance(outcome, LiveUpdate):
                return outcome
            # The ones that were cancelled are none.
            if isinstance(outcome, Exception):
                raise outcome
        return None

    async def _tell_changes(self) -> LiveUpdate:
        async for update in self._audience.watch.updates():
            if update.answered:
                await self._send(progress_event(update))
            if update.ended:
                return update
        # The watch was closed with the connection.
        raise await self._closed()

    async def _tell_time(self) -> None:
        tick = 0
        while True:
            now = self._loop.time()
            # A timer may end a little early: no tick is told twice.
            tick = max(tick, int((now - self._began) / self._tick)) + 1
            await asyncio.sleep(self._began + tick * self._tick - now)
            await self._send(self._clock.event(self._loop.time()))

    async def _listen(self) -> None:
        """Reads, so that pongs and a close are seen; what clients say is of no interest."""
        while True:
            await self._connection.recv(decode=False)

    async def _make_room(self) -> None:
        await self._audience.gives_way.wait()
        raise GivesWayError

    async def _send(self, event: str) -> None:
        try:
            async with asyncio.timeout(self._patience):
                await self._connection.send(event)
        except TimeoutError:
            raise SlowReaderError from None

    async def _closed(self) -> ConnectionClosed:
        await self._connection.wait_closed()
        return self._connection.protocol.close_exc


def _close_of(error: grpc.aio.AioRpcError) -> tuple[int, str]:
    if error.code() is grpc.StatusCode.UNAUTHENTICATED:
        return CloseCode.POLICY_VIOLATION, "access token expired"
    return CloseCode.INTERNAL_ERROR, "the session cannot be watched any more"
