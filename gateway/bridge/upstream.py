"""The streams to the session service, and which of them carries whose watch."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from math import ceil
from types import TracebackType

import grpc
from practice.products.portal.v1.portal_service_pb2 import ListenerRequest

from gateway.bridge.processes import Processes
from gateway.bridge.stream import Stream
from gateway.bridge.watch import FINAL, Watch
from service_kit.logging import get_logger

log = get_logger(__name__)


class SharedStreams:
    """One stream to each process of the session service, from the first listener on.

    A watch goes to the stream, of those that are up and not in doubt, with fewest newcomers who
    wait for an answer, then with fewest watches. A newcomer whose stream refuses, breaks or is
    silent for `silence` seconds is sent to another, once. When a stream breaks, the watches of
    whoever has heard something go on with the others; while none is up they wait, and whoever has
    heard nothing yet is refused as soon as none can be reached.
    """

    def __init__(self, processes: Processes, silence: float) -> None:
        self._processes = processes
        self._silence = silence
        # By the address of the process.
        self._streams: dict[str, Stream] = {}
        self._running: dict[str, asyncio.Task[None]] = {}
        # In the order in which they came.
        self._waiting: dict[Watch, None] = {}
        self._following: asyncio.Task[None] | None = None
        self._look_again = asyncio.Event()
        self._is_looking = False

    async def __aenter__(self) -> SharedStreams:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        tasks = [*self._running.values(), *([self._following] if self._following else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def begin(self, watch: Watch) -> None:
        """Asks for what comes after the watch's cursor, as soon as a stream is up."""
        stream = self._choose(watch)
        if stream is not None:
            stream.begin(watch)
            return
        self._waiting[watch] = None
        if self._processes.is_name:
            if self._following is None:
                self._is_looking = True
                self._following = asyncio.create_task(self._follow_name())
        elif not self._streams:
            self._open(self._processes.listed)
        if not watch.cursor:
            self._look_now()
            for each in self._streams.values():
                each.hurry()

    def take(self, watch: Watch, more: int) -> None:
        """Says that so many more updates may come."""
        for stream in self._streams.values():
            if watch.number in stream.watches:
                stream.send(ListenerRequest(listener=watch.number, credit=more))

    def leave(self, watch: Watch) -> None:
        """Asks for nothing more."""
        self._waiting.pop(watch, None)
        for stream in self._streams.values():
            stream.leave(watch)

    def came_up(self, stream: Stream) -> None:
        """Gives a stream the watches that wait for one, and of the others' its share."""
        waiting, self._waiting = self._waiting, {}
        for watch in waiting:
            stream.begin(watch)
        self.recovered()

    def recovered(self) -> None:
        """Gives those that are not in doubt equal shares of the watches."""
        up = [each for each in self._streams.values() if each.is_up and not each.is_doubted]
        if not up:
            return
        share = ceil(sum(len(each.watches) for each in up) / len(up))
        for other in up:
            while len(other.watches) > share:
                watch = other.watches[next(reversed(other.watches))]
                other.leave(watch)
                min(up, key=lambda each: len(each.watches)).begin(watch)

    def fell_silent(self, stream: Stream) -> None:
        """Sends the newcomers of a silent stream to another, unless that may be as slow."""
        for watch in stream.unanswered():
            other = self._choose(watch, besides=stream)
            if other is not None and not other.is_doubted:
                self._move(watch, stream)

    def watch_ended(self, stream: Stream, watch: Watch, code: grpc.StatusCode) -> None:
        """Sends a newcomer to another stream, if the process may only be unwell."""
        if watch.cursor or code in FINAL or not self._move(watch, stream):
            watch.refuse(code)

    def went_down(self, stream: Stream, broken: list[Watch], code: grpc.StatusCode) -> None:
        """Lets watches go on by other streams, or wait; refuses newcomers where there is none."""
        self._look_now()
        for watch in broken:
            if watch.cursor:
                self.begin(watch)
            elif not self._move(watch, stream):
                watch.refuse(code)
        self._refuse_unreachable(code)

    def _choose(self, watch: Watch, besides: Stream | None = None) -> Stream | None:
        up = [each for each in self._streams.values() if each.is_up and each is not besides]
        suitable = [each for each in up if each.suits(watch)]
        return min(suitable or up, key=Stream.load, default=None)

    def _move(self, watch: Watch, stream: Stream) -> bool:
        """Tells whether a newcomer was sent to another stream than this one."""
        other = None if watch.has_moved else self._choose(watch, besides=stream)
        if other is None:
            return False
        watch.has_moved = True
        stream.leave(watch)
        other.begin(watch)
        return True

    def _refuse_unreachable(self, code: grpc.StatusCode) -> None:
        if self._is_looking or any(each.is_up or each.is_trying for each in self._streams.values()):
            return
        for watch in [each for each in self._waiting if not each.cursor]:
            del self._waiting[watch]
            watch.refuse(code)

    def _look_now(self) -> None:
        if self._processes.is_name:
            self._is_looking = True
            self._look_again.set()

    async def _follow_name(self) -> None:
        """Has a stream to each address that the name has."""
        while True:
            self._look_again.clear()
            try:
                self._open(await self._processes.look_up())
            except OSError as error:
                # Those that are known may be well.
                log.warning("session_address_unknown", error=repr(error))
            self._is_looking = self._look_again.is_set()
            self._refuse_unreachable(grpc.StatusCode.UNAVAILABLE)
            with suppress(TimeoutError):
                async with asyncio.timeout(self._processes.every):
                    await self._look_again.wait()

    def _open(self, addresses: Iterable[str]) -> None:
        """Opens streams to new addresses, and gives up those that are neither listed nor up."""
        listed = list(addresses)
        for address in [each for each in self._streams if each not in listed]:
            if not self._streams[address].is_up:
                del self._streams[address]
                self._running.pop(address).cancel()
        for address in listed:
            if address not in self._streams:
                self._streams[address] = Stream(address, self, self._silence)
                self._running[address] = asyncio.create_task(self._streams[address].run())
