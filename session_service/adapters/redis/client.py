"""A client of Redis for what the service can do without."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError, ResponseError

from service_kit.combiner import Combiner
from service_kit.logging import get_logger

log = get_logger(__name__)

Answer = TypeVar("Answer")
Command = tuple[Any, ...]

PREFIX = "practice:session:"

_SOCKET_SECONDS = 0.5
_CONNECTIONS = 20
_COMMANDS = 100
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


class RedisLine:
    """A connection that is kept for short commands that come often; those of a moment go together.

    What the client does around a command, with its pool first of all, takes several times what the command
    does. Like the client it answers within about twice its patience or not at all; whoever waits while a
    connection is lost, waits for no other.
    """

    def __init__(self, redis: Redis, *, patience_seconds: float = _SOCKET_SECONDS) -> None:
        self._pool: Any = redis.connection_pool
        self._patience_seconds = patience_seconds
        self._combine: Combiner[tuple[int, Command], Any] = Combiner(self._serve, most=_COMMANDS)
        self._connection: Any = None
        # Commands are numbered. Those up to `_lost` were not answered, for this reason.
        self._asked = self._lost = 0
        self._fault: Exception = ConnectionError()

    async def __call__(self, *command: Any) -> Any:
        """Returns the answer. Raises RedisError, OSError, TimeoutError."""
        self._asked += 1
        answer = await self._combine((self._asked, command))
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def _serve(self, asked: Sequence[tuple[int, Command]]) -> Sequence[Any]:
        """Returns answers, of which some may be errors."""
        first, _ = asked[0]
        if first > self._lost:
            commands = [command for _, command in asked]
            try:
                return await self._ask(commands)
            except (RedisError, OSError, TimeoutError) as error:
                self._lost, self._fault = self._asked, error
        return [self._fault] * len(asked)

    async def _ask(self, commands: Sequence[Command]) -> Sequence[Any]:
        known = self._connection is not None
        try:
            return await self._exchange(commands)
        except (RedisConnectionError, OSError):
            # Once more at once: a connection of before a restart of Redis is no sign that it is away.
            if not known:
                raise
            return await self._exchange(commands)

    async def _exchange(self, commands: Sequence[Command]) -> Sequence[Any]:
        # Of the client's, which closes it along with others.
        connection, self._connection = self._connection or await self._pool.get_connection(), None
        try:
            async with asyncio.timeout(self._patience_seconds):
                await connection.send_packed_command(connection.pack_commands(commands), check_health=False)
                answers = [await _read(connection) for _ in commands]
        except BaseException:
            # Nobody knows what it is in the middle of.
            await connection.disconnect(nowait=True)
            await self._pool.release(connection)
            raise
        self._connection = connection
        return answers


async def _read(connection: Any) -> Any:
    try:
        return await connection.read_response(timeout=math.inf)
    except ResponseError as error:
        return error


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
