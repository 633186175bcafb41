"""The stream to one process of the session service, which carries the watches of many listeners."""

from __future__ import annotations

import asyncio
import random
from contextlib import suppress
from itertools import count
from typing import TYPE_CHECKING, Any, Protocol

import grpc
from practice.products.portal.v1.portal_service_pb2 import (
    ListenerReply,
    ListenerRequest,
    ListenToSessionsRequest,
    WatchSessionRequest,
)
from practice.products.portal.v1.portal_service_pb2_grpc import PortalLiveServiceStub

from gateway.bridge.watch import FINAL, FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS, Watch
from service_kit.logging import get_logger

if TYPE_CHECKING:
    from practice.products.portal.v1.portal_service_pb2_grpc import PortalLiveServiceAsyncStub

# Requests in a message at most: each has a token.
_LOT = 64
# How long a process that refused or was silent is spared, before one newcomer tries it.
PAUSE_SECONDS = 5.0
# A watch that ends without an error before its session does is one that broke.
_CODES = {code.value[0]: code for code in grpc.StatusCode} | {0: grpc.StatusCode.UNAVAILABLE}

# Of all streams: a watch's number is that of no other.
_numbers = count(1)

log = get_logger(__name__)


def open_channel(address: str) -> grpc.aio.Channel:
    """Returns a channel that soon tries again. Connects on first use."""
    return grpc.aio.insecure_channel(
        address,
        options=[
            # The watches have their own, which know where they were.
            ("grpc.enable_retries", 0),
            ("grpc.initial_reconnect_backoff_ms", 100),
            ("grpc.min_reconnect_backoff_ms", 1_000),
            ("grpc.max_reconnect_backoff_ms", 2_000),
            # Finds a dead connection while nobody answers anything.
            ("grpc.keepalive_time_ms", 10_000),
            ("grpc.http2.ping_timeout_ms", 5_000),
        ],
    )


class Dealer(Protocol):
    """Whoever gives watches to streams, and hears what becomes of them."""

    def came_up(self, stream: Stream) -> None:
        """Takes it that the stream can carry watches."""

    def recovered(self) -> None:
        """Takes it that a stream that was in doubt is not any more."""

    def fell_silent(self, stream: Stream) -> None:
        """Takes it that newcomers hear nothing from the stream."""

    def watch_ended(self, stream: Stream, watch: Watch, code: grpc.StatusCode) -> None:
        """Takes it that the process ended a watch."""

    def went_down(self, stream: Stream, broken: list[Watch], code: grpc.StatusCode) -> None:
        """Takes it that the stream broke with its watches."""


class Stream:
    """A stream to one process, opened again whenever it breaks.

    It is in doubt from when it refuses a watch, breaks under a newcomer or has told no newcomer
    anything for `silence` seconds, until it answers one.
    """

    def __init__(self, address: str, dealer: Dealer, silence: float) -> None:
        self.watches: dict[int, Watch] = {}
        self.is_up = False
        self.is_trying = True
        self._address = address
        self._dealer = dealer
        self._silence = silence
        self._loop = asyncio.get_running_loop()
        # Those of newcomers who have heard nothing yet, with when they were begun.
        self._unanswered: dict[int, float] = {}
        self._answered_at = 0.0
        self._spared_until: float | None = None
        self._listening: asyncio.TimerHandle | None = None
        self._requests: list[ListenerRequest] = []
        self._to_send = asyncio.Event()
        self._hurry = asyncio.Event()

    @property
    def is_doubted(self) -> bool:
        """Whether it has to answer a newcomer before it is given more."""
        return self._spared_until is not None

    def load(self) -> tuple[int, int]:
        """Returns what compares streams: the lower, the sooner it is given a watch."""
        return len(self._unanswered), len(self.watches)

    def suits(self, watch: Watch) -> bool:
        """Tells whether to give it the watch: in doubt it is tried by one newcomer at a time."""
        if self._spared_until is None:
            return True
        return not watch.cursor and not self._unanswered and self._loop.time() >= self._spared_until

    def unanswered(self) -> list[Watch]:
        """Returns the watches of newcomers who have heard nothing yet."""
        return [self.watches[number] for number in self._unanswered]

    def begin(self, watch: Watch) -> None:
        """Asks for what comes after the watch's cursor."""
        watch.number = next(_numbers)
        watch.asked_from = watch.cursor
        self.watches[watch.number] = watch
        if not watch.cursor:
            self._unanswered[watch.number] = self._loop.time()
            self._listen(self._silence)
        listener = watch.listener
        self.send(
            ListenerRequest(
                listener=watch.number,
                watch=WatchSessionRequest(session_id=listener.session_id, cursor=watch.cursor),
                token=listener.token,
                request_id=listener.request_id,
                credit=watch.credit(),
            )
        )

    def leave(self, watch: Watch) -> None:
        """Asks for nothing more, if the watch is here."""
        if self._drop(watch.number) is not None:
            self.send(ListenerRequest(listener=watch.number, leave=True))

    def send(self, request: ListenerRequest) -> None:
        """Sends a request with the others of this moment."""
        self._requests.append(request)
        self._to_send.set()

    def hurry(self) -> None:
        """Tries again now."""
        self._hurry.set()

    async def run(self) -> None:
        """Keeps the stream open."""
        async with open_channel(self._address) as channel:
            await self._keep_open(PortalLiveServiceStub(channel))

    async def _keep_open(self, service: PortalLiveServiceAsyncStub) -> None:
        wait, tries = FIRST_WAIT_SECONDS, 0
        while True:
            self.is_trying = True
            self._hurry.clear()
            call = service.ListenToSessions()
            tries += 1
            try:
                # What the service sends at once; none came when the call is over.
                await call.initial_metadata()
                if not call.done():
                    wait, tries = FIRST_WAIT_SECONDS, 0
                    self.is_up = True
                    self._dealer.came_up(self)
                    await self._talk(call)
                code = await call.code()
            except grpc.aio.AioRpcError as error:
                code = error.code()
            finally:
                call.cancel()
            # A name may have an address where nobody answers: told once, not with every try.
            if tries <= 1:
                log.warning(
                    "watch_broke", address=self._address, listeners=len(self.watches), error=code.name
                )
            self._go_down(code)
            with suppress(TimeoutError):
                async with asyncio.timeout(wait * random.uniform(0.5, 1.0)):  # noqa: S311 - no secret
                    await self._hurry.wait()
            wait = min(wait * 2, LONGEST_WAIT_SECONDS)

    async def _talk(self, call: Any) -> None:
        writing = asyncio.create_task(self._write(call))
        try:
            while (response := await call.read()) is not grpc.aio.EOF:
                for reply in response.replies:
                    self._hear(reply)
        finally:
            writing.cancel()
            await asyncio.wait({writing})

    async def _write(self, call: Any) -> None:
        # Whoever reads hears how a call ended that cannot be written to.
        with suppress(grpc.aio.AioRpcError, asyncio.InvalidStateError):
            while True:
                await self._to_send.wait()
                lot, self._requests = self._requests[:_LOT], self._requests[_LOT:]
                if not self._requests:
                    self._to_send.clear()
                await call.write(ListenToSessionsRequest(requests=lot))

    def _hear(self, reply: ListenerReply) -> None:
        watch = self.watches.get(reply.listener)
        if watch is None:
            return
        is_answer = reply.listener in self._unanswered
        if reply.HasField("update"):
            self._unanswered.pop(reply.listener, None)
            watch.hear(reply.update)
            if reply.update.ended:
                self._drop(reply.listener)
        elif reply.HasField("status"):
            code = _CODES.get(reply.status) or grpc.StatusCode.UNKNOWN
            self._drop(reply.listener)
            if code not in FINAL:
                is_answer = False
                # Later a listener may have ended it, who read nothing.
                if watch.cursor == watch.asked_from:
                    self._doubt()
            self._dealer.watch_ended(self, watch, code)
        if is_answer:
            self._note_answer()

    def _note_answer(self) -> None:
        self._answered_at = self._loop.time()
        if self._spared_until is not None:
            self._spared_until = None
            self._dealer.recovered()

    def _doubt(self) -> None:
        self._spared_until = self._loop.time() + PAUSE_SECONDS

    def _drop(self, number: int) -> Watch | None:
        self._unanswered.pop(number, None)
        return self.watches.pop(number, None)

    def _listen(self, seconds: float) -> None:
        """Looks later whether newcomers hear something; one look is under way at most."""
        if self._listening is None:
            self._listening = self._loop.call_later(seconds, self._notice_silence)

    def _notice_silence(self) -> None:
        self._listening = None
        if not self._unanswered:
            return
        # One answer shows that it is only slow: the others are on their way.
        since = max(next(iter(self._unanswered.values())), self._answered_at)
        left = since + self._silence - self._loop.time()
        if left <= 0:
            self._doubt()
            self._dealer.fell_silent(self)
        self._listen(left if left > 0 else self._silence)

    def _go_down(self, code: grpc.StatusCode) -> None:
        broken = list(self.watches.values())
        if self._unanswered:
            self._doubt()
        self.is_up = self.is_trying = False
        self.watches.clear()
        self._unanswered.clear()
        self._requests.clear()
        self._dealer.went_down(
            self, broken, code if code is not grpc.StatusCode.OK else grpc.StatusCode.UNAVAILABLE
        )
