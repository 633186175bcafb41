"""Small jobs beside the calls end when they are told to."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from service_kit.periodic import end_task, repeating
from tests.waiting import PATIENCE_SECONDS, until


async def test_a_task_that_swallows_a_cancellation_is_cancelled_again() -> None:
    swallowed = 0

    async def stubborn() -> None:
        nonlocal swallowed
        for _ in range(2):
            with suppress(asyncio.CancelledError):
                await asyncio.sleep(PATIENCE_SECONDS)
            swallowed += 1
        await asyncio.sleep(PATIENCE_SECONDS)

    task = asyncio.create_task(stubborn())
    await asyncio.sleep(0)
    async with asyncio.timeout(PATIENCE_SECONDS):
        await end_task(task)
    assert (task.cancelled(), swallowed) == (True, 2)


async def test_a_job_runs_again_after_it_failed_and_ends_with_its_block() -> None:
    runs = 0

    async def job() -> None:
        nonlocal runs
        runs += 1
        raise RuntimeError("now and then")

    async with repeating(job, 0.001):
        await until(lambda: runs >= 2)
    ended_at = runs
    await asyncio.sleep(0.01)
    assert runs == ended_at
