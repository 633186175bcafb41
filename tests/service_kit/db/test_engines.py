"""Engines that are closed leave no connection behind, and replace those that the server ended."""

from __future__ import annotations

import asyncio
import gc

from sqlalchemy import Connection, text

from service_kit.db.engines import close_async_engine, open_async_engine, open_engine

# Waits until they are gone, five seconds at most.
END_ALL = text(
    "SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity"
    " WHERE datname = current_database() AND application_name = :application"
)


async def test_closing_waits_for_a_connection_that_is_in_use(database_url: str) -> None:
    engine = open_async_engine(database_url, pool_size=1, application="test")
    asked = asyncio.Event()

    async def ask() -> int:
        async with engine.connect() as connection:
            asked.set()
            return int((await connection.execute(text("SELECT 7 FROM pg_sleep(0.1)"))).scalar_one())

    asking = asyncio.create_task(ask())
    await asked.wait()
    await close_async_engine(engine)

    # Warnings are errors here, so a connection that is nobody's fails the test as it is collected.
    assert await asking == 7
    gc.collect()


async def test_connections_that_the_server_ended_are_replaced_unseen(database_url: str) -> None:
    engine = open_async_engine(database_url, pool_size=5, application="ended")
    other = open_async_engine(database_url, pool_size=1, application="test")

    async def ask() -> int:
        async with engine.connect() as connection:
            return int((await connection.execute(text("SELECT 7 FROM pg_sleep(0.05)"))).scalar_one())

    for _ in range(2):
        assert await asyncio.gather(*(ask() for _ in range(20))) == [7] * 20
        async with other.connect() as connection:
            assert (await connection.execute(END_ALL, {"application": "ended"})).scalar_one() == 5
    assert await asyncio.gather(*(ask() for _ in range(20))) == [7] * 20
    await close_async_engine(engine)
    await close_async_engine(other)


async def test_a_connection_that_ended_unheard_is_replaced(database_url: str) -> None:
    """The event loop has not run since, so the driver does not know."""
    engine = open_async_engine(database_url, pool_size=1, application="unheard")
    async with engine.connect() as connection:
        await connection.execute(text("SELECT 1"))
    killer = open_engine(database_url, pool_size=1, application="test")
    with killer.connect() as own:
        assert _ended(own, "unheard") == 1
    async with engine.connect() as connection:
        assert (await connection.execute(text("SELECT 7"))).scalar_one() == 7
    killer.dispose()
    await close_async_engine(engine)


def test_workers_replace_them_too(database_url: str) -> None:
    engine = open_engine(database_url, pool_size=1, application="ended worker")
    killer = open_engine(database_url, pool_size=1, application="test")
    for _ in range(2):
        with engine.connect() as connection:
            assert connection.execute(text("SELECT 7")).scalar_one() == 7
        with killer.connect() as own:
            assert _ended(own, "ended worker") == 1
    killer.dispose()
    engine.dispose()


def _ended(connection: Connection, application: str) -> int:
    return int(connection.execute(END_ALL, {"application": application}).scalar_one())
