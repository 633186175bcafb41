"""Engines with the timeouts that keep one slow query from stopping a service."""

from __future__ import annotations

import asyncio

from sqlalchemy import Engine, create_engine, make_url
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import QueuePool

# Milliseconds. A command waits for a row lock at most half as long as its
# caller waits for the command.
SERVER_SETTINGS = {
    "statement_timeout": "10000",
    "lock_timeout": "5000",
    "idle_in_transaction_session_timeout": "15000",
    "timezone": "UTC",
}
_POOL_WAIT_SECONDS = 5
_CONNECT_SECONDS = 5
_HOME_SECONDS = 2.0
_HOME_PAUSE_SECONDS = 0.005


def open_async_engine(url: str, *, pool_size: int, application: str) -> AsyncEngine:
    """Returns an asyncpg engine. Opens nothing until it is used."""
    return create_async_engine(
        make_url(url).set(drivername="postgresql+asyncpg"),
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=_POOL_WAIT_SECONDS,
        pool_pre_ping=True,
        # A failed statement is logged; what it carried may be a secret.
        hide_parameters=True,
        connect_args={
            "timeout": _CONNECT_SECONDS,
            "server_settings": {**SERVER_SETTINGS, "application_name": application},
        },
    )


async def close_async_engine(engine: AsyncEngine) -> None:
    """Closes an engine's connections, once those in use are back.

    A cancelled call gives its connection back a moment after it has ended; one
    that came back after the pool was closed would be nobody's to close. Waits
    two seconds at most.
    """
    pool = engine.pool
    assert isinstance(pool, QueuePool)
    stop = asyncio.get_running_loop().time() + _HOME_SECONDS
    while pool.checkedout() and asyncio.get_running_loop().time() < stop:  # noqa: ASYNC110 (pools tell nobody)
        await asyncio.sleep(_HOME_PAUSE_SECONDS)
    await engine.dispose()


def open_engine(url: str, *, pool_size: int, application: str) -> Engine:
    """Returns a psycopg engine, for processes without an event loop. Opens nothing until it is used."""
    options = " ".join(f"-c {name}={value}" for name, value in SERVER_SETTINGS.items())
    return create_engine(
        make_url(url).set(drivername="postgresql+psycopg"),
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=_POOL_WAIT_SECONDS,
        pool_pre_ping=True,
        # A failed statement is logged; what it carried may be a secret.
        hide_parameters=True,
        connect_args={
            "connect_timeout": _CONNECT_SECONDS,
            "options": options,
            "application_name": application,
        },
    )
