"""Waits for a condition instead of for a time.

How long a test waits is never what it tests: a machine that does other work
beside may take many times longer than an idle one. So there is one bound for
everything that is bound to happen, and it is generous.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any, TypeVar

PATIENCE_SECONDS = 120.0

T = TypeVar("T")


def eventually(condition: Callable[[], T], seconds: float = PATIENCE_SECONDS) -> T:
    """Returns what the condition says as soon as it holds. Raises AssertionError when it does not in time."""
    stop = time.monotonic() + seconds
    while not (holds := condition()):
        assert time.monotonic() < stop, f"the condition did not come true within {seconds} s"
        time.sleep(0.02)
    return holds


async def until(condition: Callable[[], Any], seconds: float = PATIENCE_SECONDS) -> None:
    """Returns once a condition holds, which may be asynchronous. Raises TimeoutError."""
    async with asyncio.timeout(seconds):
        while True:
            holds = condition()
            if asyncio.iscoroutine(holds):
                holds = await holds
            if holds:
                return
            await asyncio.sleep(0.01)
