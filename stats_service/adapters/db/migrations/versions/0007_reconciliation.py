"""Reconciliation: runs, and the people who differed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

from service_kit.db.erasure import SKIP, guard_statements

revision = "0007"
down_revision = "0006"

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "reconciliation",
        sa.Column("run_id", sa.Uuid, primary_key=True),
        sa.Column("whom", sa.Text, sa.CheckConstraint("whom IN ('recent', 'all', 'users')"), nullable=False),
        sa.Column("user_ids", ARRAY(sa.BigInteger), nullable=False, server_default="{}"),
        sa.Column("deep", sa.Boolean, nullable=False),
        sa.Column("settle", sa.Interval, nullable=False, server_default="1 minute"),
        sa.Column("on_demand", sa.Boolean, nullable=False, server_default="false"),
        sa.Column("position", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("compared", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
        sa.Column("last_error", sa.Text, nullable=False, server_default=""),
        sa.Column("created_at", INSTANT, nullable=False, server_default=sa.func.clock_timestamp()),
        sa.Column("finished_at", INSTANT),
        schema="stats",
    )
    op.create_index("reconciliation_newest", "reconciliation", ["created_at"], schema="stats")
    op.create_table(
        "reconciliation_person",
        sa.Column(
            "run_id",
            sa.Uuid,
            sa.ForeignKey("stats.reconciliation.run_id", ondelete="CASCADE"),
            primary_key=True,
        ),
        sa.Column("user_id", sa.BigInteger, primary_key=True),
        sa.Column("event_ids", ARRAY(sa.Uuid), nullable=False),
        sa.Column("refused", sa.Integer, nullable=False),
        sa.Column("corrected", sa.Integer, nullable=False),
        sa.Column("aliens", sa.Integer, nullable=False),
        sa.Column("progress_rows", sa.Integer, nullable=False),
        sa.Column("found_at", INSTANT, nullable=False, server_default=sa.func.clock_timestamp()),
        sa.Column("whole_at", INSTANT),
        schema="stats",
    )
    op.create_index("reconciliation_person_user", "reconciliation_person", ["user_id"], schema="stats")
    op.create_index(
        "reconciliation_person_left",
        "reconciliation_person",
        ["run_id"],
        schema="stats",
        postgresql_where="whole_at IS NULL",
    )
    # The function is there already.
    _, *triggers = guard_statements("stats", ["reconciliation_person"], verb="skip", then=SKIP)
    for trigger in triggers:
        op.execute(trigger)


def downgrade() -> None:
    op.drop_table("reconciliation_person", schema="stats")
    op.drop_table("reconciliation", schema="stats")
