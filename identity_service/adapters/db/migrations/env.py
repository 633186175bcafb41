"""Runs identity's revisions."""

from service_kit.db.alembic_env import run_migrations

run_migrations()
