"""Waits for a condition instead of for a time."""

from __future__ import annotations

import time
from collections.abc import Callable


def eventually(condition: Callable[[], object], seconds: float = 20.0) -> None:
    """Returns as soon as the condition holds. Raises AssertionError when it does not within the time."""
    stop = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < stop, f"not within {seconds} s"
        time.sleep(0.02)
