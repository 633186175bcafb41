"""The key that anonymous names and page tokens of leaderboards are made with, drawn here once."""

from __future__ import annotations

import secrets

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    table = op.create_table(
        "leaderboard_key",
        sa.Column("sole", sa.Boolean, sa.CheckConstraint("sole"), primary_key=True, server_default="true"),
        sa.Column("key", sa.LargeBinary, nullable=False),
        schema="stats",
    )
    op.bulk_insert(table, [{"sole": True, "key": secrets.token_bytes(32)}])


def downgrade() -> None:
    op.drop_table("leaderboard_key", schema="stats")
