"""Forget people"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from service_kit.db.erasure import guard_statements, unguard_statements

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

# Whatever a person's first row may be in a transaction.
GUARDED = ("practice_session", "submission", "learner", "learner_calendar", "idempotency", "outbox")


def upgrade() -> None:
    op.create_table(
        "erased_user",
        sa.Column("user_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.Column("erased_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.Column("removed", JSONB(), nullable=False, server_default=sa.text("'{}'")),
        sa.Column("corrected", JSONB(), nullable=False, server_default=sa.text("'{}'")),
        sa.Column("finished_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("user_id", name=op.f("erased_user_pkey")),
        schema="session",
    )
    op.create_index("outbox_user", "outbox", ["user_id"], schema="session")
    for statement in guard_statements("session", GUARDED):
        op.execute(statement)


def downgrade() -> None:
    for statement in unguard_statements("session", GUARDED):
        op.execute(statement)
    op.drop_index("outbox_user", table_name="outbox", schema="session")
    op.drop_table("erased_user", schema="session")
