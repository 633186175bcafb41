"""Brings the schemas of services up to date: `python -m service_kit.db.migrate PACKAGE...`.

Each service keeps its Alembic revisions in `<package>/adapters/db/migrations`
and names its tables' MetaData (with its schema) in `<package>.adapters.db.tables`.
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


def alembic_config(package: str, connection: Connection | None = None) -> Config:
    """Returns the Alembic configuration of a service."""
    module = importlib.import_module(f"{package}.adapters.db.tables")
    config = Config()
    config.set_main_option("script_location", str(Path(module.__file__ or "").parent / "migrations"))
    config.attributes["metadata"] = module.metadata
    config.attributes["connection"] = connection
    return config


def upgrade(package: str, database_url: str) -> None:
    """Migrates one service's schema to its newest revision. Idempotent."""
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
            connection.commit()
    finally:
        engine.dispose()


def main() -> None:
    """Migrates the packages named on the command line, in that order."""
    database_url = read_settings(MigrationSettings).database_url
    for package in sys.argv[1:]:
        try:
            upgrade(package, database_url)
        except OperationalError as error:
            reason = str(error.orig).strip().splitlines()[0]
            sys.exit(f"error: {package} was not migrated: {reason}")
        print(f"migrated {package}", flush=True)


if __name__ == "__main__":
    main()
