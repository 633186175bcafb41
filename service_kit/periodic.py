"""Runs small jobs beside a service's calls, such as deleting expired rows."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

from service_kit.logging import get_logger

_CANCEL_AGAIN_SECONDS = 0.5

log = get_logger(__name__)


@asynccontextmanager
async def repeating(job: Callable[[], Awaitable[None]], every_seconds: float) -> AsyncIterator[None]:
    """Runs a job every so often for the duration of a block; the first time after one pause.

    A job that fails is logged and runs again after the next pause.
    """
    task = asyncio.create_task(_repeat(job, every_seconds))
    try:
        yield
    finally:
        await end_task(task)


async def end_task(task: asyncio.Task[None]) -> None:
    """Cancels a task until it is gone: a client in the middle of a command may swallow a cancellation."""
    while not task.done():
        task.cancel()
        await asyncio.wait({task}, timeout=_CANCEL_AGAIN_SECONDS)
    with suppress(asyncio.CancelledError):
        await task


async def _repeat(job: Callable[[], Awaitable[None]], every_seconds: float) -> None:
    while True:
        await asyncio.sleep(every_seconds)
        try:
            await job()
        except Exception as error:
            log.warning("periodic_job_failed", job=type(job).__name__, exc_info=error)
