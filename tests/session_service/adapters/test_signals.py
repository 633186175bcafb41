"""Waking those who watch."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from session_service.adapters.signals import JournalSignals

LONG, SHORT = timedelta(seconds=30), timedelta(milliseconds=10)


async def test_a_change_wakes_every_watcher_of_its_session_at_once() -> None:
    signals = JournalSignals()
    waiting = [asyncio.create_task(signals.wait(7, LONG)) for _ in range(3)]
    other = asyncio.create_task(signals.wait(8, LONG))
    await asyncio.sleep(0)

    signals.notify([7, 9])

    async with asyncio.timeout(5):
        await asyncio.gather(*waiting)
    assert not other.done()
    other.cancel()


async def test_a_wait_ends_by_itself() -> None:
    async with asyncio.timeout(5):
        await JournalSignals().wait(7, SHORT)


async def test_a_change_that_nobody_waits_for_is_not_kept() -> None:
    signals = JournalSignals()
    signals.notify([7])
    waiting = asyncio.create_task(signals.wait(7, LONG))
    await asyncio.sleep(0)

    assert not waiting.done()
    waiting.cancel()
