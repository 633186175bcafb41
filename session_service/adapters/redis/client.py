"""A client of Redis for what the service can do without."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from service_kit.logging import get_logger

log = get_logger(__name__)

Answer = TypeVar("Answer")

PREFIX = "practice:session:"

_SOCKET_SECONDS = 0.5
_CONNECTIONS = 20
# While Redis is away, a call in every second pays for finding out; the others do not wait.
_REST_SECONDS = 1.0


def open_redis(url: str, *, patience_seconds: float = _SOCKET_SECONDS) -> Redis:
    """Returns a client that answers within about twice its patience or not at all. Connects on first use."""
    pool = BlockingConnectionPool.from_url(
        url,
        max_connections=_CONNECTIONS,
        timeout=patience_seconds,
        socket_timeout=patience_seconds,
        socket_connect_timeout=patience_seconds,
        # Once more at once: a connection of before a restart of Redis is no sign that it is away.
        retry=Retry(NoBackoff(), 1),
        protocol=2,
    )
    return Redis.from_pool(pool)


class BestEffort:
    """Runs commands; while Redis is away or full they are not run, and that is logged."""

    def __init__(self, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._resting_until = 0.0

    async def run(self, command: Callable[[], Awaitable[Answer]]) -> Answer | None:
        """Returns the command's answer, None when there is none to be had."""
        if self._monotonic() < self._resting_until:
            return None
        try:
            return await command()
        except (RedisError, OSError, TimeoutError) as error:
            log.warning("redis_away", error=repr(error))
            self._resting_until = self._monotonic() + _REST_SECONDS
            return None
