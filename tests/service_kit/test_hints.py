"""Hints between processes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import redis as redis_module
from redis.asyncio import Redis

from service_kit.hints import (
    BlockingHintSender,
    HintListener,
    HintSender,
    exchanging_hints,
    from_payload,
    hearing_hints,
    to_payload,
)
from tests.waiting import PATIENCE_SECONDS, until

CHANNEL = "practice:test:hints"


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    async with Redis.from_url(redis_url) as client:
        yield client


async def subscribed(listener: HintListener) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        await listener.subscribed()


async def cut_off(redis: Redis, command: str) -> None:
    """Closes the connections that did this last, of this database: others are other tests'."""
    mine = redis.connection_pool.connection_kwargs["db"]
    for client in await redis.client_list():
        if client["cmd"].startswith(command) and int(client["db"]) == mine:
            await redis.client_kill_filter(_id=client["id"])


async def test_what_one_process_says_every_other_hears_and_itself_does_not(redis: Redis) -> None:
    here, there = list[int](), list[int]()
    sender = HintSender(redis, CHANNEL)
    listeners = [
        HintListener(redis, CHANNEL, here.extend, sender.name),
        HintListener(redis, CHANNEL, there.extend),
    ]
    async with exchanging_hints(sender, *listeners):
        for listener in listeners:
            await subscribed(listener)
        sender.send([7, 8])
        sender.send([8, 9])
        await until(lambda: there == [7, 8, 9])
    assert here == []


async def test_a_subscription_that_breaks_is_made_anew(redis: Redis) -> None:
    heard = list[int]()
    sender, listener = HintSender(redis, CHANNEL), HintListener(redis, CHANNEL, heard.extend)
    async with exchanging_hints(sender, listener):
        await subscribed(listener)
        await cut_off(redis, "subscribe")
        await until(lambda: not listener.hears)
        await subscribed(listener)
        sender.send([7])
        await until(lambda: heard == [7])


async def test_without_a_redis_nothing_is_raised_and_nothing_is_heard() -> None:
    async with Redis.from_url("redis://127.0.0.1:1") as nowhere:
        sender, listener = HintSender(nowhere, CHANNEL), HintListener(nowhere, CHANNEL, list[int]().extend)
        async with exchanging_hints(sender, listener):
            sender.send([7])
            await asyncio.sleep(0.05)
            assert not listener.hears


async def test_a_process_without_an_event_loop_says_what_others_hear(redis: Redis, redis_url: str) -> None:
    heard = list[int]()
    sender = BlockingHintSender(redis_url, CHANNEL)
    async with hearing_hints(redis_url, CHANNEL, heard.extend) as listener:
        await subscribed(listener)
        sender.send([7, 8])
        # A connection that was closed meanwhile is made anew.
        await cut_off(redis, "publish")
        sender.send([9])
        await until(lambda: heard == [7, 8, 9])
    sender.close()


def test_without_a_redis_a_process_without_an_event_loop_tries_now_and_then(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now, tried = [0.0], list[float]()
    sender = BlockingHintSender("redis://127.0.0.1:1", CHANNEL, monotonic=lambda: now[0])
    publish = redis_module.Redis.publish

    def note(client: redis_module.Redis, *arguments: Any, **options: Any) -> Any:
        tried.append(now[0])
        return publish(client, *arguments, **options)

    monkeypatch.setattr(redis_module.Redis, "publish", note)
    for now[0] in (0.0, 0.1, 0.9, 1.1):
        sender.send([7])
    assert tried == [0.0, 1.1]


@pytest.mark.parametrize("payload", [None, 7, b"", b"not a hint", b"\xff\x00"])
def test_what_is_no_hint_has_no_numbers(payload: object) -> None:
    assert from_payload(to_payload(3, [7, 8])) == (3, [7, 8])
    assert not from_payload(payload)[1]


async def test_whoever_leaves_at_any_moment_of_a_start_has_left(redis: Redis) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        for turns in range(60):
            sender, listener = HintSender(redis, CHANNEL), HintListener(redis, CHANNEL, list[int]().extend)
            async with exchanging_hints(sender, listener):
                sender.send([7])
                for _ in range(turns):
                    await asyncio.sleep(0)
