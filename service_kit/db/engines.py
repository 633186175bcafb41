"""Engines with the timeouts that keep one slow query from stopping a service."""

from __future__ import annotations

import asyncio
import select
from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import Engine, create_engine, event, make_url
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry, QueuePool

# Milliseconds. A command waits for a row lock at most half as long as its
# caller waits for the command.
SERVER_SETTINGS = {
    "statement_timeout": "10000",
    "lock_timeout": "5000",
    "idle_in_transaction_session_timeout": "15000",
    "timezone": "UTC",
}
POOL_WAIT_SECONDS = 5
CONNECT_SECONDS = 5
HOME_SECONDS = 2.0
_HOME_PAUSE_SECONDS = 0.005


def open_async_engine(url: str, *, pool_size: int, application: str) -> AsyncEngine:
    """Returns an asyncpg engine. Opens nothing until it is used."""
    engine = create_async_engine(
        make_url(url).set(drivername="postgresql+asyncpg"),
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=POOL_WAIT_SECONDS,
        # A failed statement is logged; what it carried may be a secret.
        hide_parameters=True,
        connect_args={
            "timeout": CONNECT_SECONDS,
            "server_settings": {**SERVER_SETTINGS, "application_name": application},
        },
    )
    _replace_dead_connections(
        engine.sync_engine,
        lambda driver: driver.is_closed(),
        asyncpg_socket,
    )
    return engine


def asyncpg_socket(driver: Any) -> Any:
    """Returns the socket of a connection of asyncpg.

    It gives it to nobody: its version is pinned, and tests end connections under it.
    """
    return driver._transport.get_extra_info("socket")


def single_statements(engine: AsyncEngine) -> AsyncEngine:
    """Returns the engine for reads of one statement each: one round trip, not three."""
    return engine.execution_options(isolation_level="AUTOCOMMIT")


async def close_async_engine(engine: AsyncEngine) -> None:
    """Closes an engine's connections, once those in use are back.

    A cancelled call gives its connection back a moment after it has ended; one
    that came back after the pool was closed would be nobody's to close. Waits
    two seconds at most.
    """
    pool = engine.pool
    assert isinstance(pool, QueuePool)
    stop = asyncio.get_running_loop().time() + HOME_SECONDS
    while pool.checkedout() and asyncio.get_running_loop().time() < stop:  # noqa: ASYNC110 (pools tell nobody)
        await asyncio.sleep(_HOME_PAUSE_SECONDS)
    await engine.dispose()


def open_engine(
    url: str, *, pool_size: int, application: str, settings: Mapping[str, str] | None = None
) -> Engine:
    """Returns a psycopg engine, for processes without an event loop. Opens nothing until it is used.

    `settings` of the server's are for its sessions alone.
    """
    options = " ".join(
        f"-c {name}={value}" for name, value in {**SERVER_SETTINGS, **(settings or {})}.items()
    )
    engine = create_engine(
        make_url(url).set(drivername="postgresql+psycopg"),
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=POOL_WAIT_SECONDS,
        # A failed statement is logged; what it carried may be a secret.
        hide_parameters=True,
        connect_args={
            "connect_timeout": CONNECT_SECONDS,
            "options": options,
            "application_name": application,
        },
    )
    _replace_dead_connections(engine, lambda driver: driver.closed, lambda driver: driver)
    return engine


def _replace_dead_connections(
    engine: Engine, is_closed: Callable[[Any], bool], socket: Callable[[Any], Any]
) -> None:
    """Lets the pool replace a connection that the server has ended, before anything is sent on it.

    Nobody asks the server: it says nothing to a connection at rest but that it
    ends it, so one with something to read is as good as dead. That costs a
    system call, where a ping takes three round trips.
    """

    @event.listens_for(engine, "connect")
    def watch(_connection: object, record: ConnectionPoolEntry) -> None:
        record.info["poller"] = poller = select.poll()
        poller.register(socket(record.driver_connection).fileno(), select.POLLIN)

    @event.listens_for(engine, "checkout")
    def check(_connection: object, record: ConnectionPoolEntry, _proxy: object) -> None:
        if is_closed(record.driver_connection) or record.info["poller"].poll(0):
            raise DisconnectionError("the server has ended the connection")
