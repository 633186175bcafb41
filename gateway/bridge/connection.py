"""One listener's WebSocket, from the first event to the close."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import grpc
from practice.products.portal.v1.portal_service_pb2 import LiveUpdate
from websockets.asyncio.connection import broadcast
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed
from websockets.frames import CloseCode, Frame, Opcode

from gateway.bridge.events import SessionClock, end_event, progress_event
from gateway.bridge.ticker import Ticker
from gateway.bridge.watch import Watch, WatchRefusedError
from service_kit.logging import get_logger
from service_kit.tokens import CLOCK_SKEW_SECONDS

_MESSAGES = frozenset({Opcode.TEXT, Opcode.BINARY, Opcode.CONT})

log = get_logger(__name__)


class ListensNoLongerError(Exception):
    """The listener may not go on: closed with `code` and `reason`."""

    def __init__(self, code: CloseCode, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class Audience:
    """What a connection holds as long as it lasts: its watch and its place.

    `expires_at` is when the listener's token does, in Unix seconds; `dismissed`
    is why it was ended before the session, None when it was not.
    """

    __slots__ = ("_leave", "dismissed", "expires_at", "watch")

    def __init__(self, watch: Watch, expires_at: float, leave: Callable[[], None]) -> None:
        self.watch = watch
        self.expires_at = expires_at
        self.dismissed: ListensNoLongerError | None = None
        self._leave = leave

    def dismiss(self, code: CloseCode, reason: str) -> None:
        """Ends the watch; the connection is closed with code and reason."""
        self.dismissed = ListensNoLongerError(code, reason)
        self.watch.close()

    def end(self) -> None:
        """Gives both back."""
        self.watch.close()
        self._leave()


class LiveConnection(ServerConnection):
    """A connection with its audience, which ends with it in every way it can end.

    What clients say is dropped as it comes. Who leaves a full buffer unread for
    `patience` seconds is cut off.
    """

    audience: Audience | None = None
    first: LiveUpdate | None = None
    patience: float = 10.0
    _cut_off: asyncio.TimerHandle | None = None

    def process_event(self, event: object) -> None:
        """Takes everything but messages."""
        if not (isinstance(event, Frame) and event.opcode in _MESSAGES):
            super().process_event(event)  # type: ignore[arg-type]

    def forget_handshake(self) -> None:
        """Lets go of what the handshake was made of, the token above all."""
        for message in (self.request, self.response):
            if message is not None:
                message.headers.clear()

    def give_way(self) -> None:
        """Leaves its place to somebody else."""
        if self.audience is not None:
            self.audience.dismiss(CloseCode.TRY_AGAIN_LATER, "all places are taken")

    def send_now(self, event: str) -> bool:
        """Sends at once, unless something waits to be read already; tells whether it did."""
        if not self.paused:
            broadcast((self,), event)
        return not self.paused

    def pause_writing(self) -> None:
        """Begins to lose patience."""
        super().pause_writing()
        self._cut_off = self.loop.call_later(self.patience, self._lose_patience)

    def resume_writing(self) -> None:
        """Is patient again."""
        super().resume_writing()
        self._keep_patience()

    def connection_lost(self, exc: Exception | None) -> None:
        """Ends the audience."""
        self._keep_patience()
        super().connection_lost(exc)
        if self.audience is not None:
            self.audience.end()
            self.audience = None

    def _keep_patience(self) -> None:
        if self._cut_off is not None:
            self._cut_off.cancel()
            self._cut_off = None

    def _lose_patience(self) -> None:
        log.warning("slow_reader_cut_off")
        # A close frame would only join the queue.
        self.transport.abort()


class Relay:
    """Tells one client what happens in its session."""

    __slots__ = ("_audience", "_clock", "_connection")

    def __init__(self, connection: LiveConnection) -> None:
        assert connection.audience is not None
        assert connection.first is not None
        self._connection = connection
        self._audience = connection.audience
        self._clock = SessionClock(connection.first, connection.loop.time())

    async def __call__(self, ticker: Ticker) -> None:
        """Returns when the connection is closed, or is to be closed normally."""
        try:
            if not await self._tell_present():
                await self._connection.send(end_event(await self._until_the_end(ticker)))
        except ConnectionClosed:
            return
        except ListensNoLongerError as error:
            await self._connection.close(error.code, error.reason)
        except WatchRefusedError as error:
            log.warning("watch_refused", code=error.code.name)
            await self._connection.close(*_close_of(error.code))

    async def _tell_present(self) -> bool:
        """Tells the present state, which is let go of then; tells whether it is the end."""
        first, self._connection.first = self._connection.first, None
        assert first is not None
        await self._connection.send(progress_event(first))
        await self._connection.send(self._clock.event(self._connection.loop.time()))
        if first.ended:
            await self._connection.send(end_event(first))
        return first.ended

    async def _until_the_end(self, ticker: Ticker) -> LiveUpdate:
        """Returns the session's last update."""
        seconds_left = self._audience.expires_at + CLOCK_SKEW_SECONDS - time.time()
        expired = (CloseCode.POLICY_VIOLATION, "access token expired")
        expiry = self._connection.loop.call_later(seconds_left, self._audience.dismiss, *expired)
        stop_telling = ticker.add(self._tell_time)
        try:
            async for update in self._audience.watch.updates():
                if update.answered:
                    await self._connection.send(progress_event(update))
                if update.ended:
                    return update
        finally:
            stop_telling()
            expiry.cancel()
        if self._audience.dismissed is not None:
            raise self._audience.dismissed
        # The watch was closed with the connection.
        await self._connection.wait_closed()
        raise self._connection.protocol.close_exc

    def _tell_time(self, now: float) -> None:
        self._connection.send_now(self._clock.event(now))


def _close_of(code: grpc.StatusCode) -> tuple[int, str]:
    if code is grpc.StatusCode.UNAUTHENTICATED:
        return CloseCode.POLICY_VIOLATION, "access token expired"
    return CloseCode.INTERNAL_ERROR, "the session cannot be watched any more"
