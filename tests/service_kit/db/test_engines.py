"""Engines that are closed leave no connection behind."""

from __future__ import annotations

import asyncio
import gc

from sqlalchemy import text

from service_kit.db.engines import close_async_engine, open_async_engine


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
