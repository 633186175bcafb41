"""Brings the schemas of services up to date: `python -m service_kit.db.migrate PACKAGE...`.

Each service keeps its Alembic revisions in `<package>/adapters/db/migrations`
and names its tables' MetaData (with its schema) in `<package>.adapters.db.tables`.
DATABASE_URL is the owner's; where the server has a role `practice_<schema>`, that role is
granted what the service does in its schema. CELL says which numbers the rows get: no two
cells ever give the same one.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, MetaData, text
from sqlalchemy.exc import OperationalError

from service_kit.db.engines import open_engine
from service_kit.setting_faults import read_settings
from service_kit.settings import MigrationSettings

# One migration at a time on a server, however many replicas start together.
_LOCK = 7_241_990
# How many numbers a cell has: 512 cells stay within what any JSON reader holds exactly, 2^53.
NUMBERS_OF_A_CELL = 2**44
# With a schema's name behind it: who may use that schema and no other.
ROLE_PREFIX = "practice_"


def alembic_config(package: str, connection: Connection | None = None) -> Config:
    """Returns the Alembic configuration of a service."""
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
    first, last = cell * NUMBERS_OF_A_CELL + 1, (cell + 1) * NUMBERS_OF_A_CELL
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
            upgrade(package, settings.database_url, settings.cell)
        except OtherCellError as error:
            sys.exit(f"error: {package} was not migrated: {error}")
        except OperationalError as error:
            reason = str(error.orig).strip().splitlines()[0]
            sys.exit(f"error: {package} was not migrated: {reason}")
        print(f"migrated {package}", flush=True)


if __name__ == "__main__":
    main()
