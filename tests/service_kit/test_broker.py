"""A publish is bounded whatever happens to Redis, with Celery and without."""

from __future__ import annotations

import asyncio
import base64
import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psutil
import pytest
import redis
from celery import Celery
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from deploy.local.servers import Server, start_redis
from service_kit.broker import COMPLETIONS_QUEUE, COMPLETIONS_TASK, REQUEST_IDS, TaskQueue, open_broker
from session_service.adapters.redis.client import RedisLine, open_redis

LONGEST_SECONDS = 2.5


@pytest.fixture
def server() -> Iterator[Server]:
    server = start_redis()
    yield server
    server.stop()


@pytest.fixture
def broker(server: Server) -> Iterator[Celery]:
    broker = open_broker(server.url, "test")
    yield broker
    broker.close()


def publish(broker: Celery) -> None:
    broker.send_task(COMPLETIONS_TASK, args=[["cGF5bG9hZA=="]], queue=COMPLETIONS_QUEUE)


def waiting(server: Server) -> int:
    with redis.Redis.from_url(server.url) as client:
        return int(client.llen(COMPLETIONS_QUEUE))


@contextmanager
def hanging(server: Server) -> Iterator[None]:
    parent = psutil.Process(server.process.pid)
    family = [*parent.children(recursive=True), parent]
    for process in family:
        process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        for process in family:
            process.send_signal(signal.SIGCONT)


def test_a_publish_to_a_redis_that_is_gone_fails_soon_and_works_when_it_is_back(
    server: Server, broker: Celery
) -> None:
    publish(broker)
    server.kill()
    began = time.monotonic()
    with pytest.raises(OperationalError):
        publish(broker)
    assert time.monotonic() - began < LONGEST_SECONDS
    server.restart()
    publish(broker)
    assert waiting(server) == 1


def test_a_publish_to_a_redis_that_hangs_fails_soon(server: Server, broker: Celery) -> None:
    publish(broker)
    with hanging(server):
        began = time.monotonic()
        with pytest.raises(OperationalError):
            publish(broker)
        assert time.monotonic() - began < LONGEST_SECONDS


def test_an_emptied_redis_takes_the_next_message(server: Server, broker: Celery) -> None:
    publish(broker)
    with redis.Redis.from_url(server.url) as client:
        client.flushall()
    publish(broker)
    assert waiting(server) == 1


async def test_a_message_without_celery_is_the_message_of_celery(server: Server, broker: Celery) -> None:
    payloads, headers = [["cGF5bG9hZA==", "w7w="]], {REQUEST_IDS: {"event": "request"}}
    await asyncio.to_thread(
        broker.send_task, COMPLETIONS_TASK, args=payloads, queue=COMPLETIONS_QUEUE, headers=headers
    )
    async with open_redis(server.url) as client:
        queue = TaskQueue(client.execute_command, COMPLETIONS_QUEUE, "test")
        await queue.send(COMPLETIONS_TASK, payloads, headers)
        assert await queue.waiting() == 2
        ours, theirs = [json.loads(each) for each in await client.lrange(COMPLETIONS_QUEUE, 0, -1)]
    # What each has of its own: where answers would go, who sent it, and for logs the arguments once more.
    for message in (ours, theirs):
        numbers = {message["headers"].pop("id"), message["headers"].pop("root_id")}
        assert numbers == {message["properties"].pop("correlation_id")}
        assert message["properties"].pop("delivery_tag") not in numbers
        del message["properties"]["reply_to"], message["headers"]["origin"], message["headers"]["argsrepr"]
        message["body"] = json.loads(base64.b64decode(message["body"]))
    assert ours == theirs


@pytest.mark.parametrize("kept", [False, True])
async def test_without_celery_too_a_redis_that_is_gone_or_hangs_is_told_soon(
    server: Server, kept: bool
) -> None:
    async with open_redis(server.url) as client:
        ask = RedisLine(client) if kept else client.execute_command
        queue = TaskQueue(ask, COMPLETIONS_QUEUE, "test")
        await check_sends(queue)
        server.kill()
        await check_sends(queue, fails=True)
        server.restart()
        await check_sends(queue)
        with hanging(server):
            await check_sends(queue, fails=True)


async def check_sends(queue: TaskQueue, *, fails: bool = False) -> None:
    began = time.monotonic()
    failed: Any = None
    try:
        await queue.send(COMPLETIONS_TASK, [["cGF5bG9hZA=="]], {})
    except (RedisError, OSError) as error:
        failed = error
    assert (failed is not None) == fails, failed
    assert time.monotonic() - began < LONGEST_SECONDS


@pytest.mark.parametrize("process", ["session_service.main", "session_service.relay"])
def test_who_only_sends_loads_no_celery(process: str) -> None:
    program = f"import sys, {process}; sys.exit(bool({{'celery', 'kombu'}} & sys.modules.keys()))"
    subprocess.run([sys.executable, "-c", program], check=True)
