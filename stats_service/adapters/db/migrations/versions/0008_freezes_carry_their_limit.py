"""Freezes carry the limit that was in force when they were recorded."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    # The default is the limit that there was, so that a process of before can go on recording.
    op.add_column(
        "streak_entry", sa.Column("held_at_most", sa.SmallInteger, server_default="2"), schema="stats"
    )
    op.execute("UPDATE stats.streak_entry SET held_at_most = NULL WHERE kind <> 'freeze_granted'")
    # The first day that can be practised is told otherwise: everybody is derived anew, in the background.
    op.execute("UPDATE stats.learner SET book_revision = -1")


def downgrade() -> None:
    op.drop_column("streak_entry", "held_at_most", schema="stats")
