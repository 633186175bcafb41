"""The streams to the session service, each of which carries the watches of many listeners."""

from __future__ import annotations

import asyncio
import json
import random
from contextlib import suppress
from itertools import count
from math import ceil
from types import TracebackType
from typing import TYPE_CHECKING, Any

import grpc
from practice.products.portal.v1.portal_service_pb2 import (
    ListenerReply,
    ListenerRequest,
    ListenToSessionsRequest,
    WatchSessionRequest,
)
from practice.products.portal.v1.portal_service_pb2_grpc import PortalLiveServiceStub

from gateway.bridge.watch import FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS, Watch
from service_kit.grpc.targets import in_turn, target
from service_kit.logging import get_logger
from service_kit.setting_types import addresses

if TYPE_CHECKING:
    from practice.products.portal.v1.portal_service_pb2_grpc import PortalLiveServiceAsyncStub

# Requests in a message at most: each has a token.
_LOT = 64
# A watch that ends without an error before its session does is one that broke.
_CODES = {code.value[0]: code for code in grpc.StatusCode} | {0: grpc.StatusCode.UNAVAILABLE}

log = get_logger(__name__)


def open_channel(address: str) -> grpc.aio.Channel:
    """Returns a channel that soon tries again. Connects on first use."""
    return grpc.aio.insecure_channel(
        target(address),
        options=[
            ("grpc.service_config", json.dumps(in_turn(address))),
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


class SharedStreams:
    """One stream to each process of the session service, from the first listener on.

    A watch goes to the stream that has fewest of those that are up. When one
    breaks its watches go on with the others; while none is up they wait, and
    whoever has heard nothing yet is refused as soon as none can be reached.
    """

    def __init__(self, address: str) -> None:
        self._channels = [open_channel(each) for each in addresses(address)]
        self._streams = [_Stream(PortalLiveServiceStub(channel), self) for channel in self._channels]
        self._tasks: list[asyncio.Task[None]] = []
        # In the order in which they came.
        self._waiting: dict[Watch, None] = {}

    async def __aenter__(self) -> SharedStreams:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for channel in self._channels:
            await channel.close()

    def begin(self, watch: Watch) -> None:
        """Asks for what comes after the watch's cursor, as soon as a stream is up."""
        if not self._tasks:
            self._tasks = [asyncio.create_task(stream.run()) for stream in self._streams]
        up = [stream for stream in self._streams if stream.is_up]
        if up:
            min(up, key=lambda stream: len(stream.watches)).begin(watch)
            return
        self._waiting[watch] = None
        if not watch.cursor:
            for stream in self._streams:
                stream.hurry()

    def take(self, watch: Watch, more: int) -> None:
        """Says that so many more updates may come."""
        for stream in self._streams:
            if watch.number in stream.watches:
                stream.send(ListenerRequest(listener=watch.number, credit=more))

    def leave(self, watch: Watch) -> None:
        """Asks for nothing more."""
        self._waiting.pop(watch, None)
        for stream in self._streams:
            if stream.watches.pop(watch.number, None) is not None:
                stream.send(ListenerRequest(listener=watch.number, leave=True))

    def came_up(self, stream: _Stream) -> None:
        """Gives a stream the watches that wait for one, and of the others' its share."""
        waiting, self._waiting = self._waiting, {}
        for watch in waiting:
            stream.begin(watch)
        up = [each for each in self._streams if each.is_up]
        share = ceil(sum(len(each.watches) for each in up) / len(up))
        for other in up:
            while len(other.watches) > share:
                number, watch = other.watches.popitem()
                other.send(ListenerRequest(listener=number, leave=True))
                min(up, key=lambda each: len(each.watches)).begin(watch)

    def went_down(self, broken: list[Watch], code: grpc.StatusCode) -> None:
        """Lets watches go on by other streams, or wait; refuses newcomers where there is none."""
        for watch in broken:
            if watch.cursor:
                self.begin(watch)
            else:
                watch.refuse(code)
        if not any(stream.is_up or stream.is_trying for stream in self._streams):
            for watch in [each for each in self._waiting if not each.cursor]:
                del self._waiting[watch]
                watch.refuse(code)


# Of all streams: a watch's number is that of no other.
_numbers = count(1)


class _Stream:
    """A stream to one process, opened again whenever it breaks."""

    def __init__(self, service: PortalLiveServiceAsyncStub, streams: SharedStreams) -> None:
        self.watches: dict[int, Watch] = {}
        self.is_up = False
        self.is_trying = True
        self._service = service
        self._streams = streams
        self._requests: list[ListenerRequest] = []
        self._to_send = asyncio.Event()
        self._hurry = asyncio.Event()

    def begin(self, watch: Watch) -> None:
        """Asks for what comes after the watch's cursor."""
        watch.number = next(_numbers)
        self.watches[watch.number] = watch
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

    def send(self, request: ListenerRequest) -> None:
        """Sends a request with the others of this moment."""
        self._requests.append(request)
        self._to_send.set()

    def hurry(self) -> None:
        """Tries again now."""
        self._hurry.set()

    async def run(self) -> None:
        """Keeps the stream open."""
        wait = FIRST_WAIT_SECONDS
        while True:
            self.is_trying = True
            self._hurry.clear()
            call = self._service.ListenToSessions()
            try:
                # What the service sends at once; none came when the call is over.
                await call.initial_metadata()
                if not call.done():
                    wait = FIRST_WAIT_SECONDS
                    self.is_up = True
                    self._streams.came_up(self)
                    await self._talk(call)
                code = await call.code()
            except grpc.aio.AioRpcError as error:
                code = error.code()
            finally:
                call.cancel()
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
        if reply.HasField("update"):
            watch.hear(reply.update)
        if reply.HasField("status"):
            del self.watches[reply.listener]
            watch.refuse(_CODES.get(reply.status) or grpc.StatusCode.UNKNOWN)

    def _go_down(self, code: grpc.StatusCode) -> None:
        broken = list(self.watches.values())
        self.is_up = self.is_trying = False
        self.watches.clear()
        self._requests.clear()
        log.warning("watch_broke", listeners=len(broken), error=code.name)
        self._streams.went_down(
            broken, code if code is not grpc.StatusCode.OK else grpc.StatusCode.UNAVAILABLE
        )
