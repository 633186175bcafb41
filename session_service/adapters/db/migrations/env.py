"""Alembic's entry: revisions run in this service's schema."""

from service_kit.db.alembic_env import run_migrations

run_migrations()
