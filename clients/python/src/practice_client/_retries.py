"""When a call is sent again, how long that waits, and when there is no time left."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass

import httpx

from practice_client.errors import ApiError, DeadlineExceeded, NetworkError, PracticeError


@dataclass(frozen=True, slots=True)
class Retries:
    """How often a call is sent in all, and the pauses between: twice as long each time, a random part of it.

    Learners whose network comes back at the same moment do not ask at the same moment.
    """

    tries: int = 6
    first_seconds: float = 0.25
    longest_seconds: float = 8.0

    def pause(self, tries: int, retry_after: float | None = None) -> float:
        """Returns how long to wait after so many tries, not shorter than the platform asked."""
        backoff = min(self.longest_seconds, self.first_seconds * 2 ** max(0, tries - 1))
        return (retry_after or 0.0) + random.uniform(0, backoff)  # noqa: S311 - no secret


class Remaining(dict[str, float]):
    """What httpx may wait for connecting, sending and reading: whatever is left until the deadline."""

    def __init__(self, ends: float) -> None:
        super().__init__()
        self._ends = ends

    def get(self, _phase: str, _default: object = None) -> float:
        """Returns the seconds that are left, for a phase that begins now."""
        return max(0.001, self._ends - time.monotonic())


class Attempts:
    """The tries of one call, all of them before one deadline."""

    def __init__(self, retries: Retries, deadline: float) -> None:
        self._retries = retries
        self._deadline = deadline
        self._ends = time.monotonic() + deadline
        self._made = 0

    def timeout(self) -> Remaining:
        """Returns what the next try may take."""
        return Remaining(self._ends)

    def pause_after(self, failure: httpx.TransportError | ApiError, request_id: str) -> float:
        """Returns how long to wait before the next try. Raises the failure when there is to be none."""
        self._made += 1
        refusal = failure if isinstance(failure, ApiError) else None
        pause = self._retries.pause(self._made, refusal.retry_after if refusal else None)
        in_time = time.monotonic() + pause < self._ends
        if refusal is not None and not refusal.passes:
            raise refusal
        if self._made < self._retries.tries and in_time:
            return pause
        raise refusal or self._no_answer(failure, request_id) from failure

    def _no_answer(self, failure: Exception, request_id: str) -> PracticeError:
        late = self._ends - time.monotonic() <= 0 or isinstance(failure, httpx.TimeoutException)
        kind = DeadlineExceeded if late else NetworkError
        told = f"no answer in {self._deadline:g} s" if late else "no answer"
        return kind(f"{told} and {self._made} tries: {failure!r}", request_id=request_id)
