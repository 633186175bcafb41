"""Sends the answers of a stream for as long as their reader may have them and takes them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from service_kit.errors import UnavailableError

if TYPE_CHECKING:
    import grpc

# Named without loading gRPC, which a worker that reads its settings does not have.
Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"
Check = Callable[[], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Pace:
    """How patient streams are, in seconds.

    `stall` is how long a reader may take for one piece, None for any time;
    `check` is how often it is asked whether the caller may still listen.
    """

    stall: float | None = 60.0
    check: float = 2.0


class SlowReaderError(UnavailableError):
    """The client did not read a piece in time."""

    def __init__(self) -> None:
        super().__init__("The answer was not read in time; ask again", part="client")


async def send(
    responses: AsyncGenerator[Any], context: Context, pace: Pace, may_listen: Check | None = None
) -> None:
    """Sends every response, each when the one before it has left.

    Raises SlowReaderError, and whatever `may_listen` raises as soon as it does.
    """
    coming = responses if may_listen is None else _while_allowed(responses, may_listen, pace.check)
    async for response in coming:
        try:
            async with asyncio.timeout(pace.stall):
                await context.write(response)
        except TimeoutError:
            raise SlowReaderError from None


async def _while_allowed(
    responses: AsyncGenerator[Any], may_listen: Check, every: float
) -> AsyncGenerator[Any]:
    loop = asyncio.get_running_loop()
    due = loop.time() + every
    while True:
        following = asyncio.ensure_future(anext(responses))
        try:
            while not following.done() or loop.time() >= due:
                await asyncio.wait({following}, timeout=max(0.0, due - loop.time()))
                if loop.time() >= due:
                    await may_listen()
                    due = loop.time() + every
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
