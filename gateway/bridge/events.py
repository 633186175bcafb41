"""What listeners are told: the three events of the portal, as JSON."""

from __future__ import annotations

import json
from typing import Any

from practice.products.portal.v1.portal_service_pb2 import LiveUpdate


class SessionClock:
    """A session's elapsed time between updates.

    Anchored once, at the first update, and read off a monotonic clock ever
    after: no number of missed or late ticks makes it drift.
    """

    def __init__(self, first: LiveUpdate, now: float) -> None:
        self._elapsed = first.elapsed
        self._limit = first.time_limit
        self._began = now

    def event(self, now: float) -> str:
        """Returns a `time_update`; `now` is in seconds of the clock that the first update was timed with."""
        # A timer may wake a little before its time.
        elapsed = self._elapsed + int(now - self._began + 0.001)
        return _event("time_update", elapsed=elapsed, remaining=max(0, self._limit - elapsed))


def progress_event(update: LiveUpdate) -> str:
    """Returns a `progress_update`."""
    return _event(
        "progress_update",
        completed=update.completed,
        remaining=update.remaining,
        success_rate=update.success_rate,
        current_streak=update.current_streak,
    )


def end_event(update: LiveUpdate) -> str:
    """Returns a `session_complete`."""
    return _event(
        "session_complete",
        success_rate=update.success_rate,
        duration=update.elapsed,
        words_mastered=update.words_mastered,
    )


def _event(kind: str, **data: Any) -> str:
    return json.dumps({"type": kind, "data": data}, separators=(",", ":"))
