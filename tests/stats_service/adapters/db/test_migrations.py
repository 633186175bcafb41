"""The migrations make the tables that the code believes in."""

from __future__ import annotations

from importlib import import_module

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, insert, select

from stats_service.adapters.db.tables import leaderboard_settings, metadata

MIGRATIONS = "stats_service.adapters.db.migrations.versions"


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


def test_of_names_that_looked_the_same_the_older_account_keeps_it(engine: Engine) -> None:
    migration = import_module(f"{MIGRATIONS}.0010_names_of_boards_are_one_persons")
    names = {1: "Ana", 2: "ANA", 3: "Zoë", 4: "", 5: "\u3164", 6: "Learner 216E", 7: "zoe\u0308"}
    with engine.connect() as connection:
        rows = [{"user_id": user, "alias": alias} for user, alias in names.items()]
        connection.execute(insert(leaderboard_settings), rows)

        migration.keep_one_of_each(connection)

        columns = (leaderboard_settings.c.user_id, leaderboard_settings.c.alias)
        kept = {user: alias for user, alias in connection.execute(select(*columns)) if alias}
        connection.rollback()
    assert kept == {1: "Ana", 3: "Zoë"}
