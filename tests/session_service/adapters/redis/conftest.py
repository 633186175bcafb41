"""A Redis for this test process, and one to be killed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
from redis.asyncio import Redis

from deploy.local.servers import Server, start_redis
from session_service.adapters.redis.client import open_redis
from tests.waiting import PATIENCE_SECONDS


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    client = open_redis(redis_url, patience_seconds=PATIENCE_SECONDS)
    yield client
    await client.aclose()


@pytest.fixture
def own_redis() -> Iterator[Server]:
    server = start_redis()
    yield server
    server.stop()


@pytest.fixture
async def at_own_redis(own_redis: Server) -> AsyncIterator[Redis]:
    client = open_redis(own_redis.url)
    yield client
    await client.aclose()
