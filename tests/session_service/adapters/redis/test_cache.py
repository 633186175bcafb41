"""The cache forgets, and never stands in the way."""

from __future__ import annotations

import asyncio
import os
import signal
import time
import uuid
from collections.abc import Callable
from datetime import timedelta

from redis.asyncio import Redis

from deploy.local.servers import Server
from session_service.adapters.redis.cache import RedisCache
from session_service.adapters.redis.client import BestEffort
from tests.waiting import PATIENCE_SECONDS

MINUTE = timedelta(minutes=1)


async def test_what_was_put_is_there_as_it_was_until_its_time_is_over(redis: Redis) -> None:
    cache, key = RedisCache(redis, BestEffort()), uuid.uuid4().hex
    assert await cache.get(key) is None
    await cache.put(key, b"\x00\xff bytes", MINUTE)
    assert await cache.get(key) == b"\x00\xff bytes"
    await cache.put(key, b"", timedelta(milliseconds=30))
    assert await cache.get(key) == b""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while await cache.get(key) is not None:
            await asyncio.sleep(0.01)


async def test_more_calls_at_once_than_connections_all_get_their_answer(redis: Redis) -> None:
    cache, key = RedisCache(redis, BestEffort()), uuid.uuid4().hex
    await cache.put(key, b"value", MINUTE)
    assert set(await asyncio.gather(*(cache.get(key) for _ in range(300)))) == {b"value"}


async def test_a_restarted_redis_is_used_again_at_once(own_redis: Server, at_own_redis: Redis) -> None:
    cache = RedisCache(at_own_redis, BestEffort())
    await asyncio.gather(*(cache.put(str(number), b"1", MINUTE) for number in range(10)))
    own_redis.stop()
    own_redis.restart()
    await cache.put("after", b"2", MINUTE)
    assert await cache.get("after") == b"2"


async def test_a_redis_that_is_away_is_logged_and_asked_once_a_second(
    own_redis: Server, at_own_redis: Redis, log_lines: Callable[[], list[str]]
) -> None:
    now = 100.0
    cache = RedisCache(at_own_redis, BestEffort(monotonic=lambda: now))
    await cache.put("key", b"1", MINUTE)
    own_redis.kill()

    for _ in range(20):
        assert await cache.get("key") is None
    assert sum("redis_away" in line for line in log_lines()) == 1
    now += 1.0
    assert await cache.get("key") is None
    assert sum("redis_away" in line for line in log_lines()) == 2
    own_redis.restart()
    assert await cache.get("key") is None
    now += 1.0
    await cache.put("key", b"2", MINUTE)
    assert await cache.get("key") == b"2"


async def test_a_redis_that_hangs_costs_a_bounded_time(own_redis: Server, at_own_redis: Redis) -> None:
    cache = RedisCache(at_own_redis, BestEffort())
    await cache.put("key", b"1", MINUTE)
    os.kill(own_redis.process.pid, signal.SIGSTOP)
    try:
        began = time.monotonic()
        assert set(await asyncio.gather(*(cache.get("key") for _ in range(50)))) == {None}
        assert await cache.get("key") is None
        assert time.monotonic() - began < 3
    finally:
        os.kill(own_redis.process.pid, signal.SIGCONT)
    async with asyncio.timeout(PATIENCE_SECONDS):
        while await cache.get("key") != b"1":
            await asyncio.sleep(0.05)


async def test_a_caller_that_leaves_takes_no_connection_with_it(redis: Redis) -> None:
    cache, key = RedisCache(redis, BestEffort()), uuid.uuid4().hex
    await cache.put(key, b"value", MINUTE)
    for _ in range(5):
        calls = [asyncio.create_task(cache.get(key)) for _ in range(60)]
        await asyncio.sleep(0)
        for call in calls[::2]:
            call.cancel()
        found = await asyncio.gather(*calls, return_exceptions=True)
        assert {each for each in found if isinstance(each, bytes | None)} == {b"value"}
    assert await cache.get(key) == b"value"
