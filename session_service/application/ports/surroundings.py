"""The clock, and what is remembered, limited and signalled outside of transactions."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from service_kit.call import Call

Clock = Callable[[], datetime]


class Cache(Protocol):
    """A memory that may forget anything at any moment. Never raises."""

    async def get(self, key: str) -> bytes | None:
        """Returns what was put under a key, if it is still known."""

    async def put(self, key: str, value: bytes, keep: timedelta) -> None:
        """Keeps a value for a while."""


class Memory(Protocol):
    """What is remembered of people for speed and for limits, and may vanish. Never raises."""

    async def forget(self, user_id: int) -> None:
        """Lets go of everything of a person that can be reached."""


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
    """Who called how often of late."""

    def within(self, limit: RateLimit, call: Call, count: int = 1) -> AbstractAsyncContextManager[None]:
        """Counts the call for as long as its block lasts, for good unless the block raises.

        It counts as `count` things, all or none; a repeat of a counted request is
        not counted again. Entering raises
        RateLimitedError, or QuotaExceededError, whose metadata has `limit`, `remaining`, and in
        seconds `retry_after` and `reset`, when all of the limit is there again.
        """


class JournalSignals(Protocol):
    """Wakes those who watch a session."""

    async def wait(self, session_id: int, version: int) -> None:
        """Returns when the session may have another version, or may be gone."""
