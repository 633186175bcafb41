"""A publish is bounded whatever happens to Redis."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator

import psutil
import pytest
import redis
from celery import Celery
from kombu.exceptions import OperationalError

from deploy.local.servers import Server, start_redis
from service_kit.broker import COMPLETIONS_QUEUE, COMPLETIONS_TASK, open_broker

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
    parent = psutil.Process(server.process.pid)
    family = [*parent.children(recursive=True), parent]
    for process in family:
        process.send_signal(signal.SIGSTOP)
    try:
        began = time.monotonic()
        with pytest.raises(OperationalError):
            publish(broker)
        assert time.monotonic() - began < LONGEST_SECONDS
    finally:
        for process in family:
            process.send_signal(signal.SIGCONT)


def test_an_emptied_redis_takes_the_next_message(server: Server, broker: Celery) -> None:
    publish(broker)
    with redis.Redis.from_url(server.url) as client:
        client.flushall()
    publish(broker)
    assert waiting(server) == 1
