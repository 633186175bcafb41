"""The migrations make the tables that the code believes in."""

from __future__ import annotations

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine

from stats_service.adapters.db.tables import metadata


def test_migrated_tables_are_those_of_the_code(engine: Engine) -> None:
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection,
            opts={
                "include_schemas": True,
                "include_name": lambda name, kind, _: kind != "schema" or name == metadata.schema,
                "include_object": lambda _, name, kind, *__: (kind, name) != ("table", "alembic_version"),
                "compare_server_default": True,
            },
        )
        assert compare_metadata(context, metadata) == []
