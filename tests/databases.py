"""Databases for tests: copies of one template that is migrated once a run."""

from __future__ import annotations

import asyncio
from pathlib import Path

import psycopg
from psycopg import sql
from sqlalchemy import make_url

from service_kit.db import migrate
from tests.waiting import PATIENCE_SECONDS

ROOT = Path(__file__).parent.parent
SERVICES = ("identity_service", "catalog_service", "session_service", "stats_service")
_TEMPLATE = "template_migrated"
_TEMPLATE_LOCK = 7_241_991


def address_of(server_url: str, database: str) -> str:
    """Returns the URL of another database of the same server."""
    return make_url(server_url).set(database=database).render_as_string(hide_password=False)


def create_database(server_url: str, name: str) -> str:
    """Makes a database with every service's schema and returns its URL."""
    with psycopg.connect(server_url, autocommit=True) as connection:
        # Whichever process comes first makes the template; the others wait for it.
        connection.execute("SELECT pg_advisory_lock(%s)", [_TEMPLATE_LOCK])
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [_TEMPLATE]).fetchone():
            _make_template(connection, server_url)
        # As files: where nothing has to be durable, that is several times cheaper than block by block.
        statement = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY")
        connection.execute(statement.format(sql.Identifier(name), sql.Identifier(_TEMPLATE)))
    return address_of(server_url, name)


def create_empty_database(server_url: str, name: str) -> str:
    """Makes a database without any schema of a service and returns its URL."""
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    return address_of(server_url, name)


def drop_database(server_url: str, name: str) -> None:
    """Drops a database whoever is still connected to it.

    Not WITH (FORCE): that is refused while the server's own autovacuum works
    there, which a plain DROP sends away by itself.
    """
    ours = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = %s AND usename = current_user AND pid <> pg_backend_pid()"
    )
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(ours, [name])
        connection.execute(sql.SQL("DROP DATABASE {}").format(sql.Identifier(name)))


async def lock_waiters(database_url: str, count: int = 1) -> None:
    """Waits until so many statements in the database wait for a lock. Raises TimeoutError after 5 s."""
    query = (
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as connection:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                row = await (await connection.execute(query)).fetchone()
                if row is not None and row[0] >= count:
                    return
                await asyncio.sleep(0.005)


def _make_template(connection: psycopg.Connection[tuple[object, ...]], server_url: str) -> None:
    draft = f"{_TEMPLATE}_draft"
    connection.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(draft)))
    connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(draft)))
    for service in SERVICES:
        if (ROOT / service / "adapters" / "db" / "migrations" / "env.py").exists():
            migrate.upgrade(service, address_of(server_url, draft))
    rename = sql.SQL("ALTER DATABASE {} RENAME TO {}")
    connection.execute(rename.format(sql.Identifier(draft), sql.Identifier(_TEMPLATE)))
