"""Brings the schemas of services up to date: `python -m service_kit.db.migrate PACKAGE...`.

Each service keeps its Alembic revisions in `<package>/adapters/db/migrations`
and names its tables' MetaData (with its schema) in `<package>.adapters.db.tables`.
DATABASE_URL is the owner's; where the server has a role `practice_<schema>`, that role is
granted what the service does in its schema. CELL says which numbers the rows get: no two
cells ever give the same one.

A start mostly finds everything as it is to be. One question to the database tells, and then
Alembic and SQLAlchemy are not even loaded: they would take longer than anything else here.
"""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg

from service_kit.setting_faults import read_settings
from service_kit.settings import MigrationSettings

if TYPE_CHECKING:
    from alembic.config import Config
    from sqlalchemy import Connection, MetaData

# One migration at a time on a server, however many replicas start together.
_LOCK = 7_241_990
# How many numbers a cell has: 512 cells stay within what any JSON reader holds exactly, 2^53.
NUMBERS_OF_A_CELL = 2**44
# With a schema's name behind it: who may use that schema and no other.
ROLE_PREFIX = "practice_"
_ENDING = "_service"

_REVISION = re.compile(r"^(revision|down_revision)\b[^=\n]*= (.+)$", re.MULTILINE)
# What `upgrade` sees to: the revision, the sequences' numbers, and what the service's role is granted.
_IS_CURRENT = """
    SELECT %(heads)s = (
            SELECT array_agg(version_num::text ORDER BY version_num) FROM "{schema}".alembic_version)
        AND NOT EXISTS (
            SELECT FROM pg_sequences
            WHERE schemaname = %(schema)s AND (min_value, max_value) <> (%(first)s, %(last)s))
        AND (to_regrole(%(role)s) IS NULL OR has_schema_privilege(to_regrole(%(role)s), %(schema)s, 'USAGE')
            AND NOT EXISTS (
                SELECT FROM pg_class
                WHERE relnamespace = to_regnamespace(%(schema)s) AND CASE
                    WHEN relkind IN ('r', 'p', 'v', 'm', 'f') THEN NOT (
                        has_table_privilege(to_regrole(%(role)s), oid, 'SELECT')
                        AND has_table_privilege(to_regrole(%(role)s), oid, 'INSERT')
                        AND has_table_privilege(to_regrole(%(role)s), oid, 'UPDATE')
                        AND has_table_privilege(to_regrole(%(role)s), oid, 'DELETE'))
                    WHEN relkind = 'S' THEN NOT (
                        has_sequence_privilege(to_regrole(%(role)s), oid, 'USAGE')
                        AND has_sequence_privilege(to_regrole(%(role)s), oid, 'SELECT'))
                    ELSE false END))
"""


def is_current(package: str, database_url: str, cell: int = 0) -> bool:
    """Tells whether `upgrade` would find nothing to do. Raises psycopg.OperationalError."""
    schema = package.removesuffix(_ENDING)
    values = {
        "heads": _heads(package),
        "schema": schema,
        "role": f"{ROLE_PREFIX}{schema}",
        **dict(zip(("first", "last"), _numbers(cell), strict=True)),
    }
    with psycopg.connect(database_url, autocommit=True, connect_timeout=5) as connection:
        try:
            row = connection.execute(_IS_CURRENT.format(schema=schema).encode(), values).fetchone()
        except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName):
            return False
    return row == (True,)


def is_done(packages: Sequence[str], environment: Mapping[str, str]) -> bool:
    """Tells whether migrating these would find nothing to do; where that cannot be asked it says no."""
    url, cell = environment["DATABASE_URL"], int(environment.get("CELL") or 0)
    try:
        return all(is_current(package, url, cell) for package in packages)
    except psycopg.OperationalError:
        return False


def _heads(package: str) -> list[str]:
    """Returns the newest revisions, as they stand in the files."""
    spec = find_spec(package)
    assert spec is not None and spec.origin is not None
    versions = Path(spec.origin).parent / "adapters" / "db" / "migrations" / "versions"
    texts = [path.read_text(encoding="utf-8") for path in versions.glob("*.py")]
    found: dict[str, set[str]] = {"revision": set(), "down_revision": set()}
    for name, value in (match.groups() for text in texts for match in _REVISION.finditer(text)):
        found[name].update(re.findall(r"[\"']([^\"']+)[\"']", value))
    return sorted(found["revision"] - found["down_revision"])


def _numbers(cell: int) -> tuple[int, int]:
    """Returns the first and the last number of a cell."""
    return cell * NUMBERS_OF_A_CELL + 1, (cell + 1) * NUMBERS_OF_A_CELL


def alembic_config(package: str, connection: Connection | None = None) -> Config:
    """Returns the Alembic configuration of a service."""
    from alembic.config import Config  # noqa: PLC0415 - needed where there is something to migrate

    module = importlib.import_module(f"{package}.adapters.db.tables")
    config = Config()
    config.set_main_option("script_location", str(Path(module.__file__ or "").parent / "migrations"))
    config.attributes["metadata"] = module.metadata
    config.attributes["connection"] = connection
    return config


class OtherCellError(Exception):
    """The schema has numbers of another cell."""


def upgrade(package: str, database_url: str, cell: int = 0) -> None:
    """Migrates one service's schema to its newest revision. Idempotent. Raises OtherCellError."""
    from alembic import command  # noqa: PLC0415 - as above
    from sqlalchemy import text  # noqa: PLC0415

    from service_kit.db.engines import open_engine  # noqa: PLC0415

    engine = open_engine(database_url, pool_size=1, application="migrate")
    try:
        with engine.connect() as connection:
            metadata: MetaData = alembic_config(package).attributes["metadata"]
            connection.execute(text("SET statement_timeout = 0"))
            connection.execute(text("SET lock_timeout = '60s'"))
            connection.execute(text("SELECT pg_advisory_lock(:lock)"), {"lock": _LOCK})
            connection.execute(text(f'CREATE SCHEMA IF NOT EXISTS "{metadata.schema}"'))
            connection.commit()
            command.upgrade(alembic_config(package, connection), "head")
            _number_for(connection, str(metadata.schema), cell)
            _grant(connection, str(metadata.schema))
            connection.commit()
    finally:
        engine.dispose()


def _number_for(connection: Connection, schema: str, cell: int) -> None:
    """Gives a schema's sequences the numbers of a cell. Raises OtherCellError when they gave others."""
    from sqlalchemy import text  # noqa: PLC0415 - as above

    first, last = _numbers(cell)
    sequences = connection.execute(
        text(
            "SELECT sequencename, min_value, max_value, last_value"
            " FROM pg_sequences WHERE schemaname = :schema"
        ),
        {"schema": schema},
    )
    for name, lowest, highest, used in sequences:
        if (lowest, highest) == (first, last):
            continue
        if used is not None and not first <= used <= last:
            raise OtherCellError(f"{schema}.{name} has given {used}, which is no number of cell {cell}")
        bounds = f"MINVALUE {first} MAXVALUE {last} START WITH {first}"
        restart = "" if used is not None else f" RESTART WITH {first}"
        connection.execute(text(f'ALTER SEQUENCE "{schema}"."{name}" {bounds}{restart}'))


def _grant(connection: Connection, schema: str) -> None:
    """Lets the schema's service use it, when it has a role of its own: data, and no tables."""
    from sqlalchemy import text  # noqa: PLC0415 - as above

    role = f"{ROLE_PREFIX}{schema}"
    if not connection.scalar(text("SELECT 1 FROM pg_roles WHERE rolname = :role"), {"role": role}):
        return
    for grant in (
        f'USAGE ON SCHEMA "{schema}"',
        f'SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA "{schema}"',
        f'USAGE, SELECT ON ALL SEQUENCES IN SCHEMA "{schema}"',
    ):
        connection.execute(text(f'GRANT {grant} TO "{role}"'))


def main() -> None:
    """Migrates the packages named on the command line, in that order."""
    settings = read_settings(MigrationSettings)
    for package in sys.argv[1:]:
        try:
            if is_current(package, settings.database_url, settings.cell):
                print(f"{package} is migrated", flush=True)
                continue
            _upgrade(package, settings)
        except OtherCellError as error:
            sys.exit(f"error: {package} was not migrated: {error}")
        except psycopg.OperationalError as error:
            sys.exit(f"error: {package} was not migrated: {str(error).strip().splitlines()[0]}")
        print(f"migrated {package}", flush=True)


def _upgrade(package: str, settings: MigrationSettings) -> None:
    """Migrates, with the driver's own errors. Raises OtherCellError, psycopg.OperationalError."""
    from sqlalchemy.exc import OperationalError  # noqa: PLC0415 - as above

    try:
        upgrade(package, settings.database_url, settings.cell)
    except OperationalError as error:
        raise psycopg.OperationalError(str(error.orig)) from error


if __name__ == "__main__":
    main()
