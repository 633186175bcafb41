"""Every service's migrations make the tables its code knows."""

from __future__ import annotations

import threading

import psycopg
import pytest
from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import text

from service_kit.db import migrate
from service_kit.db.engines import open_engine
from tests.databases import SERVICES

MOST_CELLS = 512


@pytest.mark.parametrize("service", SERVICES)
def test_migrations_and_tables_agree(service: str, fresh_database_url: str) -> None:
    engine = open_engine(fresh_database_url, pool_size=1, application="test")
    with engine.connect() as connection:
        # Raises when a revision is missing.
        command.check(migrate.alembic_config(service, connection))
    engine.dispose()


def test_migrating_again_and_all_at_once_changes_nothing(fresh_database_url: str) -> None:
    failures: list[BaseException] = []

    def upgrade() -> None:
        try:
            for service in SERVICES:
                migrate.upgrade(service, fresh_database_url)
        except BaseException as error:
            failures.append(error)

    before = versions(fresh_database_url)
    threads = [threading.Thread(target=upgrade) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert not failures
    assert versions(fresh_database_url) == before
    assert len(before) == len(SERVICES)


def versions(database_url: str) -> list[tuple[str, str]]:
    engine = open_engine(database_url, pool_size=1, application="test")
    with engine.connect() as connection:
        schemas = connection.scalars(
            text("SELECT table_schema FROM information_schema.tables WHERE table_name = 'alembic_version'")
        ).all()
        found = [
            (schema, connection.scalar(text(f'SELECT version_num FROM "{schema}".alembic_version')))
            for schema in schemas
        ]
    engine.dispose()
    return sorted(found)


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_keeps_to_its_own_schema(service: str, fresh_database_url: str) -> None:
    with psycopg.connect(fresh_database_url) as connection:
        rows = connection.execute(
            "SELECT DISTINCT schemaname FROM pg_tables"
            " WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
        ).fetchall()

    assert (service.removesuffix("_service"),) in rows
    assert ("public",) not in rows


def test_cells_never_give_the_same_number(empty_database_url: str) -> None:
    migrate.upgrade("session_service", empty_database_url, cell=3)
    with psycopg.connect(empty_database_url) as connection:
        assert _numbers(connection, 2) == [3 * 2**44 + 1, 3 * 2**44 + 2]
    # Again, which changes nothing.
    migrate.upgrade("session_service", empty_database_url, cell=3)
    with psycopg.connect(empty_database_url) as connection:
        assert _numbers(connection, 1) == [3 * 2**44 + 3]
        connection.execute("SELECT setval('session.practice_session_id_seq', %s)", [4 * 2**44 - 1])
        assert _numbers(connection, 1) == [4 * 2**44]
        with pytest.raises(psycopg.errors.SequenceGeneratorLimitExceeded):
            _numbers(connection, 1)


def test_numbers_of_the_last_cell_are_exact_as_doubles(empty_database_url: str) -> None:
    migrate.upgrade("stats_service", empty_database_url, cell=MOST_CELLS - 1)
    with psycopg.connect(empty_database_url) as connection:
        row = connection.execute(
            "SELECT max(max_value) FROM pg_sequences WHERE schemaname = 'stats'"
        ).fetchone()
    assert row == (2**53,)


def test_a_schema_with_numbers_of_a_cell_is_left_as_it_is_by_another(fresh_database_url: str) -> None:
    with psycopg.connect(fresh_database_url) as connection:
        assert _numbers(connection, 1) == [1]
    with pytest.raises(migrate.OtherCellError, match="has given 1, which is no number of cell 1"):
        migrate.upgrade("session_service", fresh_database_url, cell=1)
    with psycopg.connect(fresh_database_url) as connection:
        assert _numbers(connection, 1) == [2]


def _numbers(connection: psycopg.Connection[tuple[int]], count: int) -> list[int]:
    rows = connection.execute(
        "SELECT nextval('session.practice_session_id_seq') FROM generate_series(1, %s)", [count]
    )
    return [number for (number,) in rows]


@pytest.mark.parametrize("service", SERVICES)
def test_what_is_migrated_is_known_for_it(service: str, fresh_database_url: str) -> None:
    assert migrate.is_current(service, fresh_database_url)


def test_what_is_not_there_is_to_be_migrated(empty_database_url: str) -> None:
    assert not migrate.is_current("session_service", empty_database_url)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE session.alembic_version SET version_num = 'of another day'",
        "DELETE FROM session.alembic_version",
        "ALTER SEQUENCE session.practice_session_id_seq MAXVALUE 1000",
    ],
)
def test_a_schema_that_differs_is_to_be_migrated(change: str, fresh_database_url: str) -> None:
    with psycopg.connect(fresh_database_url, autocommit=True) as connection:
        connection.execute(change.encode())
    assert not migrate.is_current("session_service", fresh_database_url)


def test_a_cell_of_its_own_is_to_be_numbered(fresh_database_url: str) -> None:
    assert not migrate.is_current("session_service", fresh_database_url, cell=1)


@pytest.mark.parametrize("service", SERVICES)
def test_newest_revisions_are_alembics(service: str) -> None:
    scripts = ScriptDirectory.from_config(migrate.alembic_config(service))
    assert migrate._heads(service) == sorted(scripts.get_heads())
