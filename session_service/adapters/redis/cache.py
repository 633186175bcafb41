"""Remembers in Redis what would have to be put together again, and forgets users."""

from __future__ import annotations

from datetime import timedelta

from redis.asyncio import Redis

from session_service.adapters.redis.client import PREFIX, BestEffort
from session_service.application.ports.cache import Cache, Memory

_AT_ONCE = 1_000


class RedisCache(Cache):
    """A cache in Redis."""

    def __init__(self, redis: Redis, best_effort: BestEffort) -> None:
        self._redis = redis
        self._best_effort = best_effort

    async def get(self, key: str) -> bytes | None:
        """Gets a value, unless it is forgotten or Redis is away."""
        found = await self._best_effort.run(lambda: self._redis.get(_name(key)))
        return found if isinstance(found, bytes) else None

    async def put(self, key: str, value: bytes, keep: timedelta) -> None:
        """Sets a value that Redis forgets by itself."""
        await self._best_effort.run(lambda: self._redis.set(_name(key), value, px=keep))


def _name(key: str) -> str:
    return f"{PREFIX}cache:{key}"


class RedisMemory(Memory):
    """What Redis remembers of users, by the names that caches and limits have."""

    def __init__(self, redis: Redis, best_effort: BestEffort) -> None:
        self._redis = redis
        self._best_effort = best_effort

    async def forget(self, user_id: int) -> None:
        """Looks through all names, which is slow, and rare.

        Another's cache that has the same number somewhere may go along; it is made again.
        """
        for pattern in (f"{PREFIX}cache:*:{user_id}:*", f"{PREFIX}limit:*:{user_id}"):
            await self._best_effort.run(lambda pattern=pattern: self._remove(pattern))  # type: ignore[misc]

    async def _remove(self, pattern: str) -> None:
        found = [name async for name in self._redis.scan_iter(match=pattern, count=_AT_ONCE)]
        for start in range(0, len(found), _AT_ONCE):
            await self._redis.unlink(*found[start : start + _AT_ONCE])
