"""The migrations make the tables that the code believes in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from alembic import command, migration
from alembic.autogenerate import compare_metadata
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, MetaData

from service_kit.db.engines import open_engine
from service_kit.db.migrate import alembic_config, upgrade
from tests.databases import ROOT, SERVICES

MIGRATED = [
    service for service in SERVICES if (ROOT / service / "adapters" / "db" / "migrations" / "env.py").exists()
]


@pytest.mark.parametrize("service", MIGRATED)
def test_the_migrated_database_is_the_one_that_the_tables_describe(
    empty_database_url: str, service: str
) -> None:
    upgrade(service, empty_database_url)

    with _connected(empty_database_url) as connection:
        assert _differences(connection, service) == []


@pytest.mark.parametrize("service", MIGRATED)
def test_migrating_again_changes_nothing(empty_database_url: str, service: str) -> None:
    upgrade(service, empty_database_url)
    upgrade(service, empty_database_url)

    with _connected(empty_database_url) as connection:
        context = _context(connection, alembic_config(service).attributes["metadata"])
        scripts = ScriptDirectory.from_config(alembic_config(service))
        assert context.get_current_heads() == tuple(scripts.get_heads())


@pytest.mark.parametrize("service", MIGRATED)
def test_a_migration_can_be_taken_back_and_made_again(empty_database_url: str, service: str) -> None:
    upgrade(service, empty_database_url)
    with _connected(empty_database_url) as connection:
        command.downgrade(alembic_config(service, connection), "base")
        connection.commit()
        schema = alembic_config(service).attributes["metadata"].schema
        rows = connection.exec_driver_sql(
            "SELECT tablename FROM pg_tables WHERE schemaname = %(schema)s", {"schema": schema}
        )
        assert [row[0] for row in rows] == ["alembic_version"]

    upgrade(service, empty_database_url)

    with _connected(empty_database_url) as connection:
        assert _differences(connection, service) == []


def test_the_services_live_side_by_side_in_one_database(database_url: str) -> None:
    with _connected(database_url) as connection:
        for service in MIGRATED:
            assert _differences(connection, service) == []


@contextmanager
def _connected(url: str) -> Iterator[Connection]:
    engine = open_engine(url, pool_size=1, application="test")
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def _context(connection: Connection, metadata: MetaData) -> migration.MigrationContext:
    return migration.MigrationContext.configure(
        connection,
        opts={
            "version_table_schema": metadata.schema,
            "include_schemas": True,
            "include_name": lambda name, kind, _: kind != "schema" or name == metadata.schema,
            "compare_type": True,
            "compare_server_default": True,
        },
    )


def _differences(connection: Connection, service: str) -> list[object]:
    metadata: MetaData = alembic_config(service).attributes["metadata"]
    return list(compare_metadata(_context(connection, metadata), metadata))
