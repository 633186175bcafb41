"""Connections of combined calls: how many there are, when they are replaced, and how they read."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator

import asyncpg
import pytest

from deploy.local.servers import free_port
from session_service.adapters.db import answers, changes, starts
from session_service.adapters.db.combined import CombinedStatements, Connections
from session_service.application.ports.answers import NothingWrittenError
from tests.plans import faults_in
from tests.waiting import PATIENCE_SECONDS

PID = "SELECT pg_backend_pid()"


@pytest.fixture
async def connections(database_url: str) -> AsyncIterator[Connections]:
    connections = Connections(database_url, 2)
    yield connections
    await connections.close()


async def test_one_is_kept_for_the_next_and_replaced_when_the_server_has_ended_it(
    connections: Connections,
) -> None:
    async with connections.lend() as driver, connections.lend() as other:
        first, second = await driver.fetchval(PID), await other.fetchval(PID)
        assert first != second
    async with connections.lend() as driver:
        assert await driver.fetchval(PID) == first
        async with connections.lend() as other:
            assert await other.fetchval("SELECT pg_terminate_backend($1, 5000)", first)
    async with connections.lend() as driver:
        assert await driver.fetchval(PID) == second, "it was given back last"
        async with connections.lend() as other:
            assert await other.fetchval(PID) not in (first, second)


async def test_whoever_comes_when_all_are_lent_waits_for_one(connections: Connections) -> None:
    async def ask() -> int:
        async with connections.lend() as driver:
            return int(await driver.fetchval(PID))

    async with asyncio.timeout(PATIENCE_SECONDS):
        assert len(set(await asyncio.gather(*(ask() for _ in range(20))))) <= 2


async def test_who_is_cancelled_takes_neither_a_place_nor_a_broken_connection_along(
    connections: Connections,
) -> None:
    async def sleep() -> None:
        async with connections.lend() as driver:
            await driver.fetch("SELECT pg_sleep(30)")

    for _ in range(4):
        task = asyncio.create_task(sleep())
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    async with asyncio.timeout(PATIENCE_SECONDS), connections.lend() as driver, connections.lend() as other:
        assert await driver.fetchval("SELECT 1") == await other.fetchval("SELECT 1") == 1


GROWING = ("practice_session", "learner", "session_total", "session_item", "answer", "idempotency")
READS = {
    "answers": answers.read_statement(keyed=True, known=True),
    "changes": changes.read_statement(keyed=True, summed=True),
    "starts": starts.read_statement(keyed=True),
}


@pytest.mark.parametrize("sql", READS.values(), ids=READS)
async def test_tables_that_are_still_small_are_planned_to_be_read_by_their_keys(
    fresh_database_url: str, sql: str
) -> None:
    """The plan is kept while they grow."""
    connections = Connections(fresh_database_url, 1)
    nothing = ", ".join("NULL" for _ in set(re.findall(r"\$\d+", sql)))
    async with connections.lend() as driver:
        await driver.execute(f"PREPARE lot AS {sql}")
        for rows in (0, 100):
            await driver.execute(
                "ALTER TABLE session.idempotency DISABLE TRIGGER USER;"
                "INSERT INTO session.idempotency (user_id, key, method, request_digest)"
                f" SELECT n % 10, n, '/x/Y', '' FROM generate_series(1, {rows}) AS n; ANALYZE"
            )
            explained = await driver.fetchval(f"EXPLAIN (FORMAT JSON) EXECUTE lot({nothing})")
            plan = json.loads(explained)[0]["Plan"]
            assert faults_in(plan, GROWING) == []
            assert "hashed SubPlan" not in explained
    await connections.close()


@pytest.mark.parametrize(
    ("words", "raised"),
    [
        ("cannot switch to state 4; another operation (2) is in progress", NothingWrittenError),
        ("not connected", NothingWrittenError),
        ("got result for unknown protocol state 4", ConnectionError),
    ],
)
async def test_a_driver_that_was_not_ready_has_sent_nothing(
    connections: Connections, monkeypatch: pytest.MonkeyPatch, words: str, raised: type[Exception]
) -> None:
    async def fetch(*_: object, **__: object) -> None:
        raise asyncpg.InternalClientError(words)

    async with connections.lend() as driver:
        pid = await driver.fetchval(PID)
    monkeypatch.setattr(asyncpg.Connection, "fetch", fetch)
    with pytest.raises(raised):
        await CombinedStatements(connections).write("SELECT 1", ())
    async with connections.lend() as driver:
        assert await driver.fetchval(PID) != pid


async def test_without_a_connection_it_is_certain_that_nothing_was_written() -> None:
    connections = Connections(f"postgresql://nobody@127.0.0.1:{free_port()}/nothing", 1)
    for _ in range(2):
        with pytest.raises(NothingWrittenError):
            await CombinedStatements(connections).write("SELECT 1", ())
    await connections.close()
