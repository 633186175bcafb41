"""Make changes of calendar events"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("learner", sa.Column("signed_up_at", INSTANT), schema="session")
    op.drop_constraint("learner_time_zone_pkey", "learner_time_zone", schema="session")
    op.rename_table("learner_time_zone", "learner_calendar", schema="session")
    for column in (
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("user_seq", sa.BigInteger()),
        sa.Column("rollover_hour", sa.SmallInteger()),
        sa.Column("signed_up_at", INSTANT),
    ):
        op.add_column("learner_calendar", column, schema="session")
    # Until now no user's rollover hour could change.
    op.execute(
        """
        UPDATE session.learner_calendar AS change SET rollover_hour = learner.rollover_hour
        FROM session.learner AS learner WHERE learner.user_id = change.user_id
        """
    )
    op.execute("UPDATE session.learner_calendar SET rollover_hour = 0 WHERE rollover_hour IS NULL")
    op.alter_column("learner_calendar", "rollover_hour", nullable=False, schema="session")
    op.create_primary_key("learner_calendar_pkey", "learner_calendar", ["id"], schema="session")
    op.create_unique_constraint(
        "learner_calendar_user_id_user_seq_key", "learner_calendar", ["user_id", "user_seq"], schema="session"
    )
    op.create_index(
        "learner_calendar_history",
        "learner_calendar",
        ["user_id", sa.literal_column("effective_at DESC")],
        schema="session",
    )


def downgrade() -> None:
    op.drop_index("learner_calendar_history", table_name="learner_calendar", schema="session")
    op.drop_constraint("learner_calendar_user_id_user_seq_key", "learner_calendar", schema="session")
    op.drop_constraint("learner_calendar_pkey", "learner_calendar", schema="session")
    for name in ("signed_up_at", "rollover_hour", "user_seq", "id"):
        op.drop_column("learner_calendar", name, schema="session")
    op.rename_table("learner_calendar", "learner_time_zone", schema="session")
    op.create_primary_key(
        "learner_time_zone_pkey", "learner_time_zone", ["user_id", "effective_at"], schema="session"
    )
    op.drop_column("learner", "signed_up_at", schema="session")
