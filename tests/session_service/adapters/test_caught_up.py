"""Whether statistics include a completion: by what workers say, or by asking where nothing is heard."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import grpc
import pytest
from redis.asyncio import Redis

from service_kit.broker import COUNTED_HINTS
from service_kit.grpc.channels import open_channel
from service_kit.hints import BlockingHintSender, exchanging_hints
from session_service.adapters.stats.client import CountedEvents, StatisticsClient
from tests.session_service.statistics import Statistics, serving_statistics
from tests.waiting import PATIENCE_SECONDS


@dataclass
class Heard:
    """A client that hears what is counted, and the stats service that it asks."""

    channel: grpc.aio.Channel
    redis: Redis
    counted: CountedEvents
    statistics: Statistics
    redis_url: str

    @property
    def client(self) -> StatisticsClient:
        """Asks once it has heard nothing for a while."""
        return StatisticsClient(self.channel, "token", self.counted)

    async def say(self, user_id: int, place: int) -> None:
        """Says how far a learner is counted, as a worker does."""
        worker = BlockingHintSender(self.redis_url, COUNTED_HINTS)
        await asyncio.to_thread(worker.send, {user_id: place})
        worker.close()


@pytest.fixture
async def heard(redis_url: str) -> AsyncIterator[Heard]:
    async with Redis.from_url(redis_url) as redis, serving_statistics() as (statistics, address):
        counted = CountedEvents(redis)
        channel = open_channel(address)
        try:
            yield Heard(channel, redis, counted, statistics, redis_url)
        finally:
            await channel.close()


async def subscribed(heard: Heard) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        await heard.counted.listener.subscribed()


async def until_heard(heard: Heard, user_id: int, place: int) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not await heard.counted.reach(user_id, place):
            pass


async def test_what_a_worker_says_is_counted_is_not_asked_for(heard: Heard) -> None:
    async with exchanging_hints(heard.counted.listener):
        await subscribed(heard)
        # Said before anybody waits: all that a process writes is counted by others meanwhile.
        await heard.say(1, 7)
        await until_heard(heard, 1, 7)
        assert await heard.client.caught_up(1, 6)
        assert await heard.client.caught_up(1, 7)
    assert heard.statistics.asked == []


async def test_a_hint_of_less_leaves_it_to_asking(heard: Heard) -> None:
    heard.statistics.counted[1] = 7
    async with exchanging_hints(heard.counted.listener):
        await subscribed(heard)
        await heard.say(1, 7)
        await until_heard(heard, 1, 7)
        assert not await heard.client.caught_up(1, 8)
        assert heard.statistics.asked == [(1, 8)]
        heard.statistics.counted[1] = 8
        assert await heard.client.caught_up(1, 8), "the hint was lost, and the answer is true"


async def test_while_nothing_can_be_heard_statistics_are_asked_at_once(heard: Heard) -> None:
    assert not heard.counted.hears
    assert await heard.client.caught_up(1, 1)
    assert heard.statistics.asked == [(1, 1)]


async def test_a_wait_ends_with_the_hint(heard: Heard) -> None:
    heard.counted = CountedEvents(heard.redis, patience_seconds=PATIENCE_SECONDS)
    async with exchanging_hints(heard.counted.listener):
        await subscribed(heard)
        waits = [asyncio.create_task(heard.client.caught_up(user_id, 2)) for user_id in (1, 1, 2)]
        await asyncio.sleep(0)
        await heard.say(1, 2)
        assert await asyncio.gather(*waits[:2]) == [True, True]
        assert not waits[2].done()
        await heard.say(2, 3)
        assert await waits[2]
    assert heard.statistics.asked == []
