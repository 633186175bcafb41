"""The relay's process: what was lost on the way arrives all the same."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import grpc
import pytest
from practice.session.v1 import session_service_pb2_grpc as rpc
from sqlalchemy import Row, select, update
from sqlalchemy.ext.asyncio import AsyncEngine

from deploy.local.servers import Server, free_port, start_postgres, start_redis
from service_kit.db import migrate
from service_kit.db.engines import open_async_engine
from session_service.adapters.db import tables
from session_service.main import serving
from session_service.outbox.sql import SqlOutboxQueue
from session_service.settings import SessionSettings
from tests.session_service.clients import Learner, Metadata
from tests.session_service.processes import restart, running
from tests.session_service.statistics import Statistics, consuming, serving_statistics, take_published
from tests.waiting import until

RELAY = "session_service.relay"
outbox = tables.outbox


@pytest.fixture
def redis_server() -> Any:
    """A Redis of the test's own, to be stopped and started."""
    server = start_redis()
    yield server
    server.stop()


@pytest.fixture
def settings(
    session_settings: dict[str, Any], fresh_database_url: str, redis_server: Server, tmp_path: Path
) -> dict[str, Any]:
    """For the service and a relay that wastes no time."""
    return {
        **session_settings,
        "database_url": fresh_database_url,
        "redis_url": redis_server.url,
        "outbox_first_wait_seconds": 0.2,
        "relay_interval_seconds": 0.05,
        "relay_lease_seconds": 1.0,
        "heartbeat_file": tmp_path / "heartbeat",
    }


@pytest.fixture
async def database(settings: dict[str, Any]) -> AsyncIterator[AsyncEngine]:
    engine = open_async_engine(settings["database_url"], pool_size=3, application="test")
    yield engine
    await engine.dispose()


async def complete_some(settings: dict[str, Any], me: Metadata, count: int = 5) -> list[int]:
    """Completes sessions at a service that cannot publish and goes away; returns their numbers."""
    nowhere = f"redis://127.0.0.1:{free_port()}/0"
    async with (
        serving(SessionSettings(**{**settings, "redis_url": nowhere})) as server,
        grpc.aio.insecure_channel(f"127.0.0.1:{server.port}") as channel,
    ):
        learner = Learner(rpc.SessionServiceStub(channel), me)
        ended = [
            await learner.call("CompleteSession", name=(await learner.start("yoga")).name)
            for _ in range(count)
        ]
    return [int(session.name.removeprefix("sessions/")) for session in ended]


async def rows(database: AsyncEngine) -> list[Row[Any]]:
    async with database.connect() as connection:
        return list((await connection.execute(select(outbox).order_by(outbox.c.aggregate_id))).all())


async def all_closed(database: AsyncEngine) -> bool:
    return all(row.acked_at or row.dead_at for row in await rows(database))


async def test_events_whose_fast_publish_was_lost_are_published_by_the_relay_and_closed(
    settings: dict[str, Any],
    redis_server: Server,
    database: AsyncEngine,
    statistics: Statistics,
    me: Metadata,
    tmp_path: Path,
) -> None:
    numbers = await complete_some(settings, me)

    async with consuming(redis_server.url, statistics):
        with running(RELAY, settings, tmp_path / "relay.log"):
            await until(lambda: all_closed(database))

    closed = await rows(database)
    assert [row.aggregate_id for row in closed] == numbers
    assert statistics.applied == {str(row.event_id): row.payload for row in closed}
    assert all(row.acked_at and not row.dead_at and row.last_error is None for row in closed)


async def test_two_relays_close_everything_and_bury_nothing(
    settings: dict[str, Any],
    redis_server: Server,
    database: AsyncEngine,
    statistics: Statistics,
    me: Metadata,
    tmp_path: Path,
) -> None:
    await complete_some(settings, me, 20)

    async with consuming(redis_server.url, statistics):
        with (
            running(RELAY, settings, tmp_path / "one.log") as one,
            running(RELAY, settings, tmp_path / "other.log") as other,
        ):
            await until(lambda: all_closed(database))
            assert one.exit_code is other.exit_code is None

    assert len(statistics.applied) == 20
    assert all(row.acked_at for row in await rows(database))


async def test_what_relays_killed_before_and_after_their_claim_held_is_taken_over_after_the_lease(
    settings: dict[str, Any],
    redis_server: Server,
    database: AsyncEngine,
    statistics: Statistics,
    me: Metadata,
    tmp_path: Path,
) -> None:
    await complete_some(settings, me)
    statistics.answering.clear()
    with running(RELAY, settings, tmp_path / "killed.log") as killed:
        # It asks for verdicts before it claims.
        await until(lambda: statistics.verdicts_asked)
        killed.kill()
    # What another one had claimed that was killed before it published.
    queue = SqlOutboxQueue(database, timedelta(seconds=1))

    async def all_due() -> bool:
        return len(await queue.look(5)) == 5

    await until(all_due)
    assert len(await queue.claim([event.event_id for event in await queue.look(3)])) == 3
    assert await take_published(redis_server.url) == []
    assert {row.attempts for row in await rows(database)} == {0}
    statistics.answering.set()

    async with consuming(redis_server.url, statistics):
        with running(RELAY, settings, tmp_path / "relay.log"):
            await until(lambda: all_closed(database))

    assert len(statistics.applied) == 5


async def test_a_relay_without_redis_keeps_beating_and_goes_on_when_it_is_back(
    settings: dict[str, Any],
    redis_server: Server,
    database: AsyncEngine,
    statistics: Statistics,
    me: Metadata,
    tmp_path: Path,
) -> None:
    redis_server.stop()
    await complete_some(settings, me)
    heartbeat = Path(settings["heartbeat_file"])

    async def tried() -> bool:
        return all(row.last_error for row in await rows(database))

    with running(RELAY, settings, tmp_path / "relay.log") as relay:
        await until(tried)
        await until(heartbeat.exists)
        beat = heartbeat.stat().st_mtime_ns
        await until(lambda: heartbeat.stat().st_mtime_ns > beat)
        assert relay.exit_code is None
        # An outage is not the events' fault.
        assert {row.attempts for row in await rows(database)} == {0}

        redis_server.restart()
        async with consuming(redis_server.url, statistics):
            await until(lambda: all_closed(database))

    assert len(statistics.applied) == 5


async def test_while_statistics_are_away_the_queue_does_not_fill_and_no_attempt_counts(
    settings: dict[str, Any], redis_server: Server, database: AsyncEngine, me: Metadata, tmp_path: Path
) -> None:
    port = free_port()
    away = {**settings, "stats_address": f"127.0.0.1:{port}"}
    await complete_some(away, me, 2)

    with running(RELAY, away, tmp_path / "relay.log") as relay:
        # Two rounds without an answer.
        await until(lambda: relay.log.exists() and relay.log.read_text().count("statistics_silent") >= 2)
        assert await take_published(redis_server.url) == []
        assert {row.attempts for row in await rows(database)} == {0}

        async with serving_statistics(port) as (statistics, _), consuming(redis_server.url, statistics):
            await until(lambda: all_closed(database))
        assert relay.exit_code is None

    assert statistics.applied == {str(row.event_id): row.payload for row in await rows(database)}


async def test_an_event_that_is_refused_for_good_is_buried_and_the_others_arrive(
    settings: dict[str, Any],
    database: AsyncEngine,
    statistics: Statistics,
    me: Metadata,
    tmp_path: Path,
) -> None:
    await complete_some(settings, me, 3)
    first, second, third = await rows(database)
    statistics.rejected[str(first.event_id)] = "no such product"
    async with database.begin() as connection:
        # One that was published again and again and never arrived.
        await connection.execute(
            update(outbox).where(outbox.c.event_id == second.event_id).values(attempts=12)
        )
    statistics.apply([third.payload])

    with running(RELAY, settings, tmp_path / "relay.log"):
        await until(lambda: all_closed(database))

    refused, hopeless, arrived = await rows(database)
    assert (refused.last_error, bool(refused.dead_at), refused.acked_at) == ("no such product", True, None)
    assert bool(hopeless.dead_at)
    assert "12 attempts" in hopeless.last_error
    assert arrived.acked_at


async def test_a_relay_waits_for_a_database_that_crashed(
    settings: dict[str, Any], redis_server: Server, statistics: Statistics, me: Metadata, tmp_path: Path
) -> None:
    postgres = start_postgres()
    try:
        migrate.upgrade("session_service", postgres.url)
        settings = {**settings, "database_url": postgres.url}
        heartbeat = Path(settings["heartbeat_file"])
        with running(RELAY, settings, tmp_path / "relay.log") as relay:
            await until(heartbeat.exists)
            postgres.kill()
            await until(lambda: "database_unavailable" in relay.log.read_text())
            beat = heartbeat.stat().st_mtime_ns
            await until(lambda: heartbeat.stat().st_mtime_ns > beat)
            await restart(postgres)

            await complete_some(settings, me)
            async with consuming(redis_server.url, statistics):
                engine = open_async_engine(postgres.url, pool_size=1, application="test")
                await until(lambda: all_closed(engine))
                await engine.dispose()
            assert relay.exit_code is None
    finally:
        postgres.stop()


async def test_a_relay_asked_to_stop_leaves_in_peace(settings: dict[str, Any], tmp_path: Path) -> None:
    with running(RELAY, settings, tmp_path / "relay.log") as relay:
        await until(Path(settings["heartbeat_file"]).exists)
        relay.terminate()
        await until(lambda: relay.exit_code is not None)

        assert relay.exit_code == 0
