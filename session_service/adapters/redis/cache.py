"""Remembers answers that would have to be put together again."""

from __future__ import annotations

from datetime import timedelta

from redis.asyncio import Redis

from session_service.adapters.redis.client import PREFIX, BestEffort
from session_service.application.ports.cache import Cache


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
