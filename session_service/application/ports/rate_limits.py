"""Rate limits: who called how often of late."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from service_kit.call import Call


@dataclass(frozen=True, slots=True)
class RateLimit:
    """At most `most` things of one user within any `window`; `refusal` is what the next one is told.

    A `quota` is a limit of the account and not of a product.
    """

    name: str
    most: int
    window: timedelta
    refusal: str
    quota: bool = False


class RateLimits(Protocol):
    """Rate limits: who called how often of late."""

    def within(self, limit: RateLimit, call: Call, count: int = 1) -> AbstractAsyncContextManager[None]:
        """Counts the call for as long as its block lasts, for good unless the block raises.

        It counts as `count` things, all or none; a repeat of a counted request is
        not counted again. Entering raises
        RateLimitedError, or QuotaExceededError, whose metadata has `limit`, `remaining`, and in
        seconds `retry_after` and `reset`, when all of the limit is there again.
        """
