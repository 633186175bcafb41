"""How people's days run from an instant on, as the session service told it."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "calendar_change",
        sa.Column("event_id", sa.Uuid, primary_key=True),
        sa.Column("user_id", sa.BigInteger, nullable=False),
        sa.Column("user_seq", sa.BigInteger, nullable=False),
        sa.Column("effective_time", INSTANT, nullable=False),
        sa.Column("time_zone", sa.Text, nullable=False),
        sa.Column("rollover_hour", sa.Integer, nullable=False),
        sa.Column("sign_up_time", INSTANT),
        sa.Column("received_at", INSTANT, nullable=False, server_default=sa.func.now()),
        sa.UniqueConstraint("user_id", "user_seq", name="calendar_change_user_seq_key"),
        schema="stats",
    )
    op.create_index(
        "calendar_change_in_force", "calendar_change", ["user_id", "effective_time"], schema="stats"
    )


def downgrade() -> None:
    op.drop_table("calendar_change", schema="stats")
