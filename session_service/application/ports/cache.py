"""What is remembered outside of the database, and may vanish."""

from __future__ import annotations

from datetime import timedelta
from typing import Protocol


class Cache(Protocol):
    """A memory that may forget anything at any moment. Never raises."""

    async def get(self, key: str) -> bytes | None:
        """Returns what was put under a key, if it is still known."""

    async def put(self, key: str, value: bytes, keep: timedelta) -> None:
        """Keeps a value for a while."""


class Memory(Protocol):
    """What is remembered of users for speed and for limits, and may vanish. Never raises."""

    async def forget(self, user_id: int) -> None:
        """Lets go of everything of a user that can be reached."""
