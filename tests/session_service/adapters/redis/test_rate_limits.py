"""The limits, to the call and to the microsecond."""

from __future__ import annotations

import asyncio
import itertools
import math
from datetime import timedelta

import pytest
from redis.asyncio import Redis

from deploy.local.servers import Server
from service_kit.call import Call, RequestIdentity
from service_kit.errors import LimitPolicy, QuotaExceededError, RateLimitedError
from session_service.adapters.redis.client import PREFIX, BestEffort, RedisLine, open_redis
from session_service.adapters.redis.rate_limits import RedisRateLimits
from session_service.application.ports.rate_limits import RateLimit
from tests.waiting import PATIENCE_SECONDS

LIMIT = RateLimit("tests", 30, timedelta(hours=1), "Too many tests")

_users = itertools.count(5_000_001)


@pytest.fixture
def me() -> Call:
    return Call(next(_users))


@pytest.fixture
def limits(redis: Redis) -> RedisRateLimits:
    return RedisRateLimits(RedisLine(redis), BestEffort())


def keyed(call: Call, key: str, digest: bytes = b"d") -> Call:
    return Call(call.user_id, request=RequestIdentity(key, "/x/Y", digest))


async def admitted(limits: RedisRateLimits, call: Call, limit: RateLimit = LIMIT) -> bool:
    try:
        async with limits.within(limit, call):
            return True
    except RateLimitedError:
        return False


async def test_of_calls_at_once_exactly_as_many_as_allowed_are_admitted(
    redis_url: str, limits: RedisRateLimits, me: Call
) -> None:
    other = open_redis(redis_url, patience_seconds=PATIENCE_SECONDS)
    both = [limits, RedisRateLimits(RedisLine(other), BestEffort())]
    counts = await asyncio.gather(*(admitted(both[number % 2], me) for number in range(60)))
    await other.aclose()
    assert sum(counts) == 30
    assert not await admitted(limits, me)


async def test_each_user_and_each_limit_is_counted_alone(limits: RedisRateLimits, me: Call) -> None:
    one = RateLimit("one", 1, timedelta(hours=1), "no")
    two = RateLimit("two", 1, timedelta(hours=1), "no")
    assert await admitted(limits, me, one)
    assert not await admitted(limits, me, one)
    assert await admitted(limits, me, two)
    assert await admitted(limits, Call(next(_users)), one)


async def test_the_window_slides(limits: RedisRateLimits, me: Call) -> None:
    limit = RateLimit("slide", 2, timedelta(milliseconds=400), "no")
    loop = asyncio.get_running_loop()
    began = loop.time()
    assert await admitted(limits, me, limit)
    await asyncio.sleep(0.2)
    assert await admitted(limits, me, limit)
    third = await admitted(limits, me, limit)
    if loop.time() - began < 0.39:
        assert not third
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not await admitted(limits, me, limit):
            await asyncio.sleep(0.01)
    assert loop.time() - began >= 0.39
    # The second one is still inside: only the first has left its place.
    if loop.time() - began < 0.55:
        assert not await admitted(limits, me, limit)


async def test_a_refusal_says_the_limit_and_when_a_place_and_when_all_are_free(
    limits: RedisRateLimits, me: Call
) -> None:
    limit = RateLimit("told", 2, timedelta(seconds=100), "Too many")
    await admitted(limits, me, limit)
    await asyncio.sleep(1.01)
    began = asyncio.get_running_loop().time()
    await admitted(limits, me, limit)
    with pytest.raises(RateLimitedError) as refused:
        async with limits.within(limit, me):
            pytest.fail("it was admitted")
    late = math.ceil(asyncio.get_running_loop().time() - began)
    told = dict(refused.value.metadata)
    assert 99 - late <= int(told.pop("retry_after")) <= 99
    assert 100 - late <= int(told.pop("reset")) <= 100
    assert (refused.value.message, told) == ("Too many", {"limit": "2", "remaining": "0"})
    assert refused.value.policy == LimitPolicy("told", 2, 100)


async def test_a_lowered_limit_says_when_enough_have_left(limits: RedisRateLimits, me: Call) -> None:
    window = timedelta(seconds=100)
    for _ in range(3):
        began = asyncio.get_running_loop().time()
        await admitted(limits, me, RateLimit("lowered", 3, window, "no"))
        await asyncio.sleep(1.01)
    with pytest.raises(RateLimitedError) as refused:
        async with limits.within(RateLimit("lowered", 1, window, "no"), me):
            pytest.fail("it was admitted")
    since_the_newest = asyncio.get_running_loop().time() - began
    assert 100 - math.ceil(since_the_newest) <= int(refused.value.metadata["retry_after"]) <= 99


async def test_a_block_that_raises_gives_its_place_back_and_one_that_is_cancelled_does_not(
    limits: RedisRateLimits, me: Call
) -> None:
    one = RateLimit("back", 1, timedelta(hours=1), "no")
    with pytest.raises(ValueError, match="refused"):
        async with limits.within(one, me):
            raise ValueError("refused")
    inside = asyncio.Event()

    async def wait_inside() -> None:
        async with limits.within(one, me):
            inside.set()
            await asyncio.Event().wait()

    call = asyncio.create_task(wait_inside())
    await inside.wait()
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert not await admitted(limits, me, one)


async def test_a_repeat_is_admitted_without_being_counted_and_another_request_is(
    limits: RedisRateLimits, me: Call
) -> None:
    two = RateLimit("repeat", 2, timedelta(hours=1), "no")
    for _ in range(5):
        assert await admitted(limits, keyed(me, "a"), two)
    with pytest.raises(ValueError, match="again"):
        async with limits.within(two, keyed(me, "a")):
            raise ValueError("again")
    assert await admitted(limits, keyed(me, "a", b"other"), two)
    assert not await admitted(limits, keyed(me, "b"), two)
    assert await admitted(limits, keyed(me, "a"), two)


async def test_a_log_is_forgotten_with_its_window(redis: Redis, limits: RedisRateLimits, me: Call) -> None:
    await admitted(limits, me)
    left = await redis.pttl(f"{PREFIX}limit:tests:{me.user_id}")
    assert 3_599_000 < left <= 3_600_000


async def test_a_redis_that_restarted_knows_the_script_again_and_one_that_is_away_admits_everybody(
    own_redis: Server, at_own_redis: Redis, me: Call
) -> None:
    now = 0.0
    limits = RedisRateLimits(RedisLine(at_own_redis), BestEffort(monotonic=lambda: now))
    one = RateLimit("away", 1, timedelta(hours=1), "no")
    assert await admitted(limits, me, one)
    await at_own_redis.script_flush()
    assert not await admitted(limits, me, one)
    own_redis.kill()
    assert await admitted(limits, me, one)
    assert await admitted(limits, me, one)
    own_redis.restart()
    now = 10.0
    await admitted(limits, me, one)
    assert not await admitted(limits, me, one)


async def test_several_at_once_count_each_and_are_let_through_all_or_none(
    limits: RedisRateLimits, me: Call
) -> None:
    async with limits.within(LIMIT, me, 25):
        pass
    with pytest.raises(RateLimitedError) as refused:
        async with limits.within(LIMIT, me, 6):
            raise AssertionError("let through")
    assert 0 < int(refused.value.metadata["retry_after"]) <= 3600
    with pytest.raises(ZeroDivisionError):
        async with limits.within(LIMIT, me, 5):
            raise ZeroDivisionError
    # Whatever raised gave all of them back.
    async with limits.within(LIMIT, me, 5):
        pass
    assert not await admitted(limits, me)


async def test_more_at_once_than_the_limit_are_never_let_through(limits: RedisRateLimits, me: Call) -> None:
    for _ in range(2):
        with pytest.raises(RateLimitedError):
            async with limits.within(LIMIT, me, 31):
                raise AssertionError("let through")
    assert await admitted(limits, me)


async def test_a_quota_is_refused_as_one(limits: RedisRateLimits, me: Call) -> None:
    quota = RateLimit("things", 1, timedelta(days=1), "Too many things", quota=True)
    assert await admitted(limits, me, quota)
    with pytest.raises(QuotaExceededError) as refused:
        async with limits.within(quota, me):
            raise AssertionError("let through")
    told = refused.value.metadata
    assert (told["quota"], told["limit"]) == ("things", "1")
    assert refused.value.policy == LimitPolicy("things", 1, 86_400)
    assert 86_390 < int(told["retry_after"]) <= 86_400
