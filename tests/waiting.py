"""Waits for a condition instead of for a time.

How long a test waits is never what it tests: a machine that does other work
beside may take many times longer than an idle one. So there is one bound for
everything that is bound to happen, and it is generous. Who waits looks often at
first and seldom later: a look may cost as much as what is waited for.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any, TypeVar

PATIENCE_SECONDS = 120.0

_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.01, 0.05

T = TypeVar("T")


def eventually(condition: Callable[[], T], seconds: float = PATIENCE_SECONDS) -> T:
    """Returns what the condition says as soon as it holds. Raises AssertionError when it does not in time."""
    stop, pause = time.monotonic() + seconds, _FIRST_PAUSE_SECONDS
    while True:
        began = time.monotonic()
        if holds := condition():
            return holds
        looked = time.monotonic()
        assert looked < stop, f"the condition did not come true within {seconds} s"
        time.sleep(max(pause, 2 * min(looked - began, _LONGEST_PAUSE_SECONDS)))
        pause = _longer(pause)


async def until(condition: Callable[[], Any], seconds: float = PATIENCE_SECONDS) -> None:
    """Returns once a condition holds, which may be asynchronous. Raises TimeoutError."""
    pause = _FIRST_PAUSE_SECONDS
    async with asyncio.timeout(seconds):
        while True:
            holds = condition()
            if asyncio.iscoroutine(holds):
                holds = await holds
            if holds:
                return
            await asyncio.sleep(pause)
            pause = _longer(pause)


def _longer(pause: float) -> float:
    return min(1.25 * pause, _LONGEST_PAUSE_SECONDS)
