"""A database that takes no writes turns a service's health for writes red, and nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import grpc
import psycopg
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from sqlalchemy.ext.asyncio import AsyncEngine

from deploy import probe
from deploy.local.servers import Server, start_postgres
from service_kit.db.engines import close_async_engine, open_async_engine
from service_kit.db.writable import UnwritableError, check_writable
from service_kit.grpc.guards import Access
from service_kit.grpc.interceptor import CallInterceptor
from service_kit.grpc.server import WRITES, RunningServer, build_server, start_server
from service_kit.write_health import WriteHealth
from tests.small_disk import fill, small_disk

__all__ = ["small_disk"]

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING
Asked = Callable[[str], Awaitable[int]]


@pytest.fixture
async def engine(fresh_database_url: str) -> AsyncIterator[AsyncEngine]:
    engine = open_async_engine(fresh_database_url, pool_size=2, application="test")
    yield engine
    await close_async_engine(engine)


@pytest.fixture
async def running(access: Access) -> AsyncIterator[RunningServer]:
    server = await start_server(build_server(CallInterceptor(access)), "127.0.0.1:0", [])
    yield server
    await server.stop(0)


@pytest.fixture
async def asked(running: RunningServer) -> AsyncIterator[Asked]:
    async with grpc.aio.insecure_channel(f"127.0.0.1:{running.port}") as channel:
        stub = health_pb2_grpc.HealthStub(channel)

        async def ask(part: str) -> int:
            return int((await stub.Check(health_pb2.HealthCheckRequest(service=part))).status)

        yield ask


async def test_a_database_that_takes_writes_is_told_as_such_and_nothing_stays_in_it(
    engine: AsyncEngine, running: RunningServer, asked: Asked, fresh_database_url: str
) -> None:
    def tables() -> list[tuple[object, ...]]:
        with psycopg.connect(fresh_database_url) as connection:
            return connection.execute("SELECT relname FROM pg_class ORDER BY 1").fetchall()

    before = tables()
    for _ in range(3):
        await WriteHealth(engine, running)()
    assert await asked(WRITES) == SERVING
    assert tables() == before


async def test_a_database_that_is_read_only_takes_no_writes(
    engine: AsyncEngine, running: RunningServer, asked: Asked, fresh_database_url: str
) -> None:
    name = psycopg.conninfo.conninfo_to_dict(fresh_database_url)["dbname"]
    with psycopg.connect(fresh_database_url, autocommit=True) as owner:
        owner.execute(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')  # type: ignore[arg-type]
    with pytest.raises(UnwritableError, match="read-only"):
        await check_writable(engine)
    health = WriteHealth(engine, running)
    await health()
    assert await asked(WRITES) == SERVING, "one failure may be bad luck"
    await health()
    assert await asked(WRITES) == NOT_SERVING
    assert await asked("") == SERVING


async def test_a_database_that_is_away_takes_no_writes(running: RunningServer, asked: Asked) -> None:
    engine = open_async_engine("postgresql://a:b@127.0.0.1:1/c", pool_size=1, application="test")
    health = WriteHealth(engine, running)
    for _ in range(2):
        await health()
    assert await asked(WRITES) == NOT_SERVING
    await close_async_engine(engine)


@pytest.fixture
def on_a_small_disk(small_disk: Path) -> Iterator[Server]:
    server = start_postgres(small_disk / "postgres")
    yield server
    server.stop()


async def test_a_full_disk_turns_the_health_for_writes_red_until_there_is_room(
    small_disk: Path, on_a_small_disk: Server, running: RunningServer, asked: Asked
) -> None:
    engine = open_async_engine(on_a_small_disk.url, pool_size=2, application="test")
    health = WriteHealth(engine, running)
    await health()
    assert await asked(WRITES) == SERVING

    filler = await asyncio.to_thread(fill, small_disk)
    for _ in range(2):
        await health()
    assert await asked(WRITES) == NOT_SERVING
    assert await asked("") == SERVING
    with pytest.raises(probe.DiskFullError, match=r"takes no writes: .*No space left on device"):
        await asyncio.to_thread(probe.postgres, on_a_small_disk.url)

    filler.unlink()
    await health()
    assert await asked(WRITES) == SERVING
    await asyncio.to_thread(probe.postgres, on_a_small_disk.url)
    await close_async_engine(engine)
