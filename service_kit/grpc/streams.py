"""Sends the answers of a stream for as long as their reader may have them and takes them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn, TypeAlias

from service_kit.errors import UnavailableError

if TYPE_CHECKING:
    import grpc

# Named without loading gRPC, which a worker that reads its settings does not have.
Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"
Check = Callable[[], Awaitable[object]]

# The most responses of a call in a shared stream that are on their way.
MOST_CREDIT = 64
# In a message.
_MOST_REPLIES = 256
# Of gRPC's codes.
_CANCELLED, _UNKNOWN = 1, 2


@dataclass(frozen=True, slots=True)
class Pace:
    """How patient streams are, in seconds.

    `stall` is how long a reader may take for one piece, None for any time;
    `check` is how often it is asked whether the caller may still listen,
    `quiet` how long a stream of events may say nothing.
    """

    stall: float | None = 60.0
    check: float = 2.0
    quiet: float = 15.0


@dataclass(frozen=True, slots=True)
class Asides:
    """What a stream of events says besides them: while nothing happens, and of the error that ends it."""

    quiet: Any
    last: Callable[[Exception], Any]


class SlowReaderError(UnavailableError):
    """The client did not read a piece in time."""

    def __init__(self) -> None:
        super().__init__("The answer was not read in time; ask again", part="client")


async def send(
    responses: AsyncGenerator[Any],
    context: Context,
    pace: Pace,
    may_listen: Check | None = None,
    asides: Asides | None = None,
) -> None:
    """Sends every response, each when the one before it has left.

    Raises SlowReaderError, and whatever `may_listen` raises as soon as it does.
    With `asides` that is told in the stream instead, once it has begun.
    """
    coming = responses if may_listen is None else _while_allowed(responses, may_listen, pace, asides)
    begun = False
    try:
        async with aclosing(coming):
            async for response in coming:
                await _write(response, context, pace)
                begun = True
    except SlowReaderError:
        raise
    except Exception as error:
        if asides is None or not begun:
            raise
        await _write(asides.last(error), context, pace)


async def _write(response: Any, context: Context, pace: Pace) -> None:
    try:
        async with asyncio.timeout(pace.stall):
            await context.write(response)
    except TimeoutError:
        raise SlowReaderError from None


async def _while_allowed(
    responses: AsyncGenerator[Any], may_listen: Check, pace: Pace, asides: Asides | None
) -> AsyncGenerator[Any]:
    loop = asyncio.get_running_loop()
    due = loop.time() + pace.check
    while True:
        quiet_since = loop.time()
        following = asyncio.ensure_future(anext(responses))
        try:
            while not following.done() or loop.time() >= due:
                await asyncio.wait({following}, timeout=max(0.0, due - loop.time()))
                if loop.time() < due:
                    continue
                await may_listen()
                due = loop.time() + pace.check
                if asides is not None and due >= quiet_since + pace.quiet and not following.done():
                    yield asides.quiet
                    quiet_since = loop.time()
        finally:
            await _stop(following)
        try:
            response = following.result()
        except StopAsyncIteration:
            return
        yield response


async def _stop(task: asyncio.Future[Any]) -> None:
    """Cancels a task that goes on and waits for it; its outcome stays with it."""
    if not task.done():
        task.cancel()
        await asyncio.wait({task})


class SharedCallEndedError(Exception):
    """The call was ended with an error: gRPC's AbortError where the stream is shared."""


class SharedCall:
    """One of the calls that a stream carries: what its handler asks of gRPC's context.

    It sends no more responses than its reader said that it takes; the others wait.
    """

    def __init__(self, metadata: Mapping[str, str], credit: int, send: Callable[[Any], None]) -> None:
        self.metadata = metadata
        self._credit = min(credit, MOST_CREDIT)
        self._send = send
        self._more: asyncio.Future[None] | None = None
        self._code: grpc.StatusCode | None = None
        self._callbacks: list[Callable[[Any], None]] = []

    def invocation_metadata(self) -> tuple[tuple[str, str], ...]:
        """Returns what the caller sent."""
        return tuple(self.metadata.items())

    def add_done_callback(self, callback: Callable[[Any], None]) -> None:
        """Calls it once the call is over."""
        self._callbacks.append(callback)

    def code(self) -> grpc.StatusCode | None:
        """Returns the status it was ended with, None when it was not."""
        return self._code

    async def write(self, response: Any) -> None:
        """Sends a response when the reader takes one."""
        while self._credit < 1:
            self._more = asyncio.get_running_loop().create_future()
            await self._more
        self._credit -= 1
        self._send(response)

    def take(self, more: int) -> None:
        """Lets it send so many more."""
        self._credit = min(self._credit + more, MOST_CREDIT)
        if self._more is not None and not self._more.done():
            self._more.set_result(None)

    async def abort_with_status(self, status: grpc.Status) -> NoReturn:
        """Ends the call with an error."""
        await self.abort(status.code)

    async def abort(self, code: grpc.StatusCode, _details: str = "") -> NoReturn:
        """Ends the call with an error."""
        self._code = code
        raise SharedCallEndedError

    def finish(self) -> None:
        """Says that it is over to whoever asked to hear so."""
        for callback in self._callbacks:
            callback(self)


class SharedCalls:
    """The calls that one stream carries, each with a number: served by itself, and ended by itself.

    `serve` handles one. Whoever reads the stream takes `replies`: lots of
    (number, response, None) and (number, None, the code it ended with).
    """

    def __init__(self, serve: Callable[[Any, SharedCall], Coroutine[Any, Any, None]]) -> None:
        self._serve = serve
        self._calls: dict[int, tuple[SharedCall, asyncio.Task[None]]] = {}
        # Those that were left and are not over yet too.
        self._tasks: set[asyncio.Task[None]] = set()
        self._replies: list[tuple[int, Any, int | None]] = []
        self._to_send = asyncio.Event()
        self._ended = False

    def begin(self, number: int, request: Any, metadata: Mapping[str, str], credit: int) -> None:
        """Begins a call under a number that no other has had."""
        if number not in self._calls:
            call = SharedCall(metadata, credit, lambda response: self._reply(number, response, None))
            task = asyncio.ensure_future(self._serve(request, call))
            self._calls[number] = (call, task)
            self._tasks.add(task)
            task.add_done_callback(partial(self._over, number, call))

    def take(self, number: int, more: int) -> None:
        """Lets a call send so many more responses."""
        if number in self._calls:
            self._calls[number][0].take(more)

    def leave(self, number: int) -> None:
        """Ends a call without a word."""
        if number in self._calls:
            self._calls.pop(number)[1].cancel()

    async def replies(self) -> AsyncGenerator[list[tuple[int, Any, int | None]]]:
        """Yields what there is to send at each moment, until `end`."""
        while not self._ended:
            await self._to_send.wait()
            lot, self._replies = self._replies[:_MOST_REPLIES], self._replies[_MOST_REPLIES:]
            if not self._replies:
                self._to_send.clear()
            if lot:
                yield lot

    def end(self) -> None:
        """Ends the replies: no more calls come."""
        self._ended = True
        self._to_send.set()

    async def close(self) -> None:
        """Ends all calls and waits until they are over."""
        self._calls.clear()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _over(self, number: int, call: SharedCall, task: asyncio.Task[None]) -> None:
        call.finish()
        self._tasks.discard(task)
        if self._calls.pop(number, None) is None:
            return
        if task.cancelled():
            self._reply(number, None, _CANCELLED)
        elif task.exception() is not None:
            self._reply(number, None, _number_of(call.code()))
        else:
            self._reply(number, None, 0)

    def _reply(self, number: int, response: Any, code: int | None) -> None:
        self._replies.append((number, response, code))
        self._to_send.set()


def _number_of(code: grpc.StatusCode | None) -> int:
    return _UNKNOWN if code is None else int(code.value[0])
