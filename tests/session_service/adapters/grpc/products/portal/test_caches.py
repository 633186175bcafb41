"""What is remembered in Redis: everybody reads their own writes, with it and without it."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
import redis.asyncio
from sqlalchemy.ext.asyncio import AsyncEngine

from deploy.local.servers import Server
from session_service.adapters.redis.client import PREFIX
from tests.session_service.adapters.grpc.products.portal.clients import Client
from tests.session_service.clients import Learner
from tests.waiting import PATIENCE_SECONDS


@pytest.fixture
async def remembered(redis_url: str) -> AsyncIterator[redis.asyncio.Redis]:
    """Redis without anything remembered of before."""
    async with redis.asyncio.Redis.from_url(redis_url) as client:
        for key in await client.keys(f"{PREFIX}cache:*"):
            await client.delete(key)
        yield client


async def keys(client: redis.asyncio.Redis) -> list[str]:
    return sorted(
        key.decode().removeprefix(f"{PREFIX}cache:") for key in await client.keys(f"{PREFIX}cache:*")
    )


async def one_ended(portal: Client) -> str:
    session_id = await portal.start(activity_id=5)
    await portal.answer(session_id, "en-hello", "hola")
    await portal.complete(session_id)
    return session_id


async def test_a_history_is_remembered_for_five_minutes_and_details_for_one(
    portal: Client, remembered: redis.asyncio.Redis, user_id: int
) -> None:
    session_id = await one_ended(portal)

    history, details = await portal.history(), await portal.details(session_id)

    (for_details, for_history) = await keys(remembered)
    assert for_history == f"portal:1:history:{user_id}:1::::10:0"
    assert for_details.startswith(f"portal:1:details:{user_id}:{session_id}:")
    assert 299 <= await remembered.ttl(f"{PREFIX}cache:{for_history}") <= 300
    assert 59 <= await remembered.ttl(f"{PREFIX}cache:{for_details}") <= 60
    assert (await portal.history(), await portal.details(session_id)) == (history, details)
    assert len(await keys(remembered)) == 2


async def test_what_is_remembered_spares_the_database_all_but_one_small_read(
    portal: Client, remembered: redis.asyncio.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    session_id = await one_ended(portal)
    history, details = await portal.history(), await portal.details(session_id)

    async def forbidden(*_: Any) -> Any:
        raise AssertionError("it is remembered")

    for name in ("history", "report"):
        monkeypatch.setattr(f"session_service.adapters.db.readers.SqlReaders.{name}", forbidden)

    assert await portal.history() == history
    assert await portal.details(session_id) == details


async def test_what_is_remembered_is_nobody_elses(
    portal: Client, other: Client, remembered: redis.asyncio.Redis
) -> None:
    session_id = await one_ended(portal)
    await portal.history()
    await portal.details(session_id)

    assert await other.history() == {"total": 0, "sessions": []}
    assert (await other.refused("GetSession", session_id=session_id))[0] == 404


async def test_garbage_in_redis_is_not_shown(portal: Client, remembered: redis.asyncio.Redis) -> None:
    session_id = await one_ended(portal)
    history, details = await portal.history(), await portal.details(session_id)
    for key in await keys(remembered):
        await remembered.set(f"{PREFIX}cache:{key}", b"\xff\xff\xff")

    assert await portal.history() == history
    assert await portal.details(session_id) == details


async def test_a_change_made_through_the_canonical_api_is_seen_at_once(
    portal: Client, learner: Learner
) -> None:
    session_id = await portal.start(activity_id=5)
    await portal.details(session_id)
    await portal.history()

    name = f"sessions/{session_id}"
    await learner.call("SubmitAnswers", name=name, answers=[{"item": "words/en-hello", "text": "hola"}])
    assert (await portal.details(session_id))["performance"]["correct_answers"] == 1
    await learner.call("AbandonSession", name=name)
    assert (await portal.details(session_id))["timing"]["end_time"] is not None
    assert (await portal.history())["total"] == 1


async def hammer(
    portal: Client,
    meanwhile: Callable[[], Awaitable[Any]],
    enough: Callable[[], bool] = lambda: True,
    rounds: int = 15,
    pause: float = 0.0,
) -> None:
    """Writes and reads from several hands at once; no read may be older than a write that was answered.

    Each of two hands writes so many rounds, and on until there was enough of what happens
    meanwhile. All pause after each round.
    """
    session_id = await portal.start(activity_id=5)
    answered = ended = 0
    writing = True

    async def write() -> None:
        nonlocal answered, ended
        for number in itertools.count(1):
            await portal.answer(session_id, "m1", "a m1")
            answered += 1
            answers_before = answered
            details = await portal.details(session_id)
            assert details["performance"]["correct_answers"] >= answers_before
            await portal.ok("CancelSession", session_id=await portal.start(activity_id=5))
            ended += 1
            ends_before = ended
            assert (await portal.history())["total"] >= ends_before
            if number >= rounds and enough():
                return
            await asyncio.sleep(pause)

    async def read() -> None:
        while writing:
            answers_before, ends_before = answered, ended
            details = await portal.details(session_id)
            history = await portal.history(limit=50)
            right = details["performance"]["correct_answers"]
            assert right >= answers_before
            assert [word["attempts"] for word in details["progress"]["mastered_words"]] == [right][:right]
            assert history["total"] >= ends_before
            assert len(history["sessions"]) == min(50, history["total"])
            await asyncio.sleep(pause)

    async def disturb() -> None:
        while writing:
            await meanwhile()

    readers = [asyncio.create_task(read()) for _ in range(2)]
    disturbing = asyncio.create_task(disturb())
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            await asyncio.gather(write(), write())
    finally:
        writing = False
        await asyncio.gather(*readers, disturbing)
    assert (await portal.history())["total"] == ended >= 2 * rounds
    assert (await portal.details(session_id))["performance"]["correct_answers"] == answered == ended


async def test_reads_are_never_older_than_writes(portal: Client) -> None:
    await hammer(portal, lambda: asyncio.sleep(0.05))


async def test_reads_are_right_while_redis_forgets_everything_again_and_again(
    portal: Client, remembered: redis.asyncio.Redis
) -> None:
    dice = random.Random(3)

    async def forget() -> None:
        for key in await keys(remembered):
            await remembered.delete(f"{PREFIX}cache:{key}")
        await asyncio.sleep(dice.random() / 20)

    await hammer(portal, forget)


async def test_reads_are_right_while_redis_is_killed_and_comes_back(
    on_own_redis: Client, own_redis: Server
) -> None:
    times = 0

    async def kill_and_start() -> None:
        nonlocal times
        await asyncio.sleep(0.2)
        own_redis.kill()
        await asyncio.sleep(0.2)
        await asyncio.to_thread(own_redis.restart)
        # Longer than a client leaves a Redis alone that was away.
        await asyncio.sleep(1.2)
        times += 1

    await hammer(on_own_redis, kill_and_start, enough=lambda: times >= 2, pause=0.03)


async def test_reads_of_one_moment_agree_and_give_their_connection_back(
    portal: Client, engine: AsyncEngine
) -> None:
    session_id = await one_ended(portal)
    # The pool has five connections; each read sets one apart for its moment.
    async with asyncio.timeout(PATIENCE_SECONDS):
        bodies = await asyncio.gather(*(portal.history(offset=number) for number in range(40)))
        await asyncio.gather(*(portal.details(session_id) for _ in range(40)))
    assert [body["total"] for body in bodies] == [1] * 40
    await one_ended(portal)
    assert (await portal.history())["total"] == 2
