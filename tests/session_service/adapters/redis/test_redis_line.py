"""Commands on a kept connection: each has its answer, whatever becomes of others and of Redis."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from redis.asyncio import Redis
from redis.exceptions import RedisError, ResponseError

from deploy.local.servers import Server
from session_service.adapters.redis.client import RedisLine
from tests.waiting import PATIENCE_SECONDS

AWAY = (RedisError, OSError, TimeoutError)


@pytest.fixture
def line(redis: Redis) -> RedisLine:
    return RedisLine(redis, patience_seconds=PATIENCE_SECONDS)


async def test_each_of_many_has_its_own_answer_and_a_wrong_one_its_own_error(
    redis: Redis, line: RedisLine
) -> None:
    await redis.set("line:text", "no list")
    answers = await asyncio.gather(
        *(line("ECHO", str(number)) for number in range(50)),
        line("LLEN", "line:text"),
        *(line("ECHO", str(number)) for number in range(50, 150)),
        return_exceptions=True,
    )
    assert isinstance(answers.pop(50), ResponseError)
    assert answers == [str(number).encode() for number in range(150)]


async def test_a_caller_that_goes_away_leaves_the_others_their_answers(line: RedisLine) -> None:
    tasks = [asyncio.create_task(line("ECHO", str(number))) for number in range(20)]
    await asyncio.sleep(0)
    for task in tasks[::2]:
        task.cancel()
    assert await asyncio.gather(*tasks[1::2]) == [str(number).encode() for number in range(1, 20, 2)]
    assert await line("ECHO", "next") == b"next"


async def test_one_connection_is_kept_and_replaced_unseen(redis: Redis, line: RedisLine) -> None:
    first = await line("CLIENT", "ID")
    assert await line("CLIENT", "ID") == first
    await redis.client_kill_filter(_id=str(first))
    assert await line("CLIENT", "ID") > first


async def test_who_waits_while_redis_hangs_is_told_with_the_first_of_them(
    own_redis: Server, at_own_redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool, opened = at_own_redis.connection_pool, list[int]()
    connect = pool.get_connection

    async def open_one() -> Any:
        opened.append(1)
        return await connect()

    monkeypatch.setattr(pool, "get_connection", open_one)
    line = RedisLine(at_own_redis)
    assert await line("ECHO", "before") == b"before"
    await at_own_redis.execute_command("CLIENT", "PAUSE", 60_000, "ALL")
    first = asyncio.create_task(line("ECHO", "first"))
    await asyncio.sleep(0.05)
    opened.clear()
    answers = await asyncio.gather(first, *(line("ECHO", "x") for _ in range(250)), return_exceptions=True)
    assert all(isinstance(answer, AWAY) for answer in answers)
    assert len(opened) == 1, "the first tried twice, and nobody else"
    own_redis.kill()
    with pytest.raises(AWAY):
        await line("ECHO", "gone")
    own_redis.restart()
    assert await line("ECHO", "back") == b"back"
