"""Leaderboards: who takes part how, what is closed, and the scores of what is."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from service_kit.db.erasure import guard_statements

revision = "0005"
down_revision = "0004"

# Final scores are not among them: a board has more people than a transaction may have locks.
REFUSED = ("leaderboard_settings", "idempotency")


def upgrade() -> None:
    op.create_index("daily_progress_day", "daily_progress", ["local_date"], schema="stats")
    op.create_table(
        "leaderboard_settings",
        sa.Column("user_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("alias", sa.Text, nullable=False, server_default=""),
        sa.Column("opted_out", sa.Boolean, nullable=False, server_default="false"),
        schema="stats",
    )
    op.create_table(
        "leaderboard_closing",
        sa.Column("period", sa.Text, primary_key=True),
        sa.Column("closed_through", sa.Date),
        schema="stats",
    )
    op.create_table(
        "leaderboard_entry",
        sa.Column("period", sa.Text, primary_key=True),
        sa.Column("first_day", sa.Date, primary_key=True),
        sa.Column("product", sa.Text, primary_key=True),
        sa.Column("user_id", sa.BigInteger, primary_key=True),
        sa.Column("elapsed_seconds", sa.BigInteger, nullable=False),
        sa.Column("session_count", sa.BigInteger, nullable=False),
        schema="stats",
    )
    op.create_index("leaderboard_entry_user", "leaderboard_entry", ["user_id"], schema="stats")
    _create_idempotency()
    # The function is there already.
    _, *triggers = guard_statements("stats", REFUSED)
    for trigger in triggers:
        op.execute(trigger)


def _create_idempotency() -> None:
    op.create_table(
        "idempotency",
        sa.Column("user_id", sa.BigInteger, primary_key=True),
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("method", sa.Text, nullable=False),
        sa.Column("request_digest", sa.LargeBinary, nullable=False),
        sa.Column("outcome", JSONB),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        schema="stats",
    )
    op.create_index("ix_stats_idempotency_created_at", "idempotency", ["created_at"], schema="stats")


def downgrade() -> None:
    for table in ("idempotency", "leaderboard_entry", "leaderboard_closing", "leaderboard_settings"):
        op.drop_table(table, schema="stats")
    op.drop_index("daily_progress_day", table_name="daily_progress", schema="stats")
