"""Detects that work which is waited for does not move."""

from __future__ import annotations

import time
from collections.abc import Callable

# Longer than any part of the work takes by itself.
PATIENCE_SECONDS = 20.0


class StallDetector:
    """Looks at a state from time to time, and remembers since when it is the same."""

    def __init__(
        self, patience_seconds: float = PATIENCE_SECONDS, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._patience = patience_seconds
        self._monotonic = monotonic
        self._state: object = None
        self._since = monotonic()
        self._reported = False

    def detect(self, state: object) -> bool:
        """Tells, once for each state, that it has been the same for longer than the patience."""
        now = self._monotonic()
        if state != self._state:
            self._state, self._since, self._reported = state, now, False
        if self._reported or now - self._since < self._patience:
            return False
        self._reported = True
        return True
