"""Waits for a condition instead of for a time."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def eventually(condition: Callable[[], T], seconds: float = 60.0) -> T:
    """Returns what the condition says as soon as it holds. Raises AssertionError when it does not in time."""
    stop = time.monotonic() + seconds
    while not (holds := condition()):
        assert time.monotonic() < stop, f"the condition did not come true within {seconds} s"
        time.sleep(0.02)
    return holds
