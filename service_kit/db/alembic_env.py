"""What each service's Alembic env.py runs: migrations in the service's own schema."""

from __future__ import annotations

from alembic import context
from sqlalchemy import MetaData


def run_migrations() -> None:
    """Runs the revisions on the connection that service_kit.db.migrate opened."""
    config = context.config
    metadata: MetaData = config.attributes["metadata"]
    connection = config.attributes["connection"]

    context.configure(
        connection=connection,
        target_metadata=metadata,
        version_table_schema=metadata.schema,
        include_schemas=True,
        # What one of them locks, the next does not hold.
        transaction_per_migration=True,
        include_name=lambda name, kind, _: kind != "schema" or name == metadata.schema,
    )
    with context.begin_transaction():
        context.run_migrations()
