"""Forget people"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from service_kit.db.erasure import SKIP, guard_statements, unguard_statements

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

# Work on people goes on without those who are gone; what is recorded for one is refused.
SKIPPED = ("learner", "rejected_event")
REFUSED = ("streak_entry",)


def upgrade() -> None:
    op.create_table(
        "erased_user",
        sa.Column("user_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.Column("erased_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.Column("removed", JSONB(), nullable=False, server_default=sa.text("'{}'")),
        sa.Column("corrected", JSONB(), nullable=False, server_default=sa.text("'{}'")),
        sa.Column("finished_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("user_id"),
        schema="stats",
    )
    op.add_column("rejected_event", sa.Column("user_id", sa.BigInteger()), schema="stats")
    op.create_index("ix_stats_rejected_event_user_id", "rejected_event", ["user_id"], schema="stats")
    for statement in (
        *guard_statements("stats", SKIPPED, verb="skip", then=SKIP),
        *guard_statements("stats", REFUSED),
    ):
        op.execute(statement)


def downgrade() -> None:
    for statement in (
        *unguard_statements("stats", SKIPPED, verb="skip"),
        *unguard_statements("stats", REFUSED),
    ):
        op.execute(statement)
    op.drop_column("rejected_event", "user_id", schema="stats")
    op.drop_table("erased_user", schema="stats")
