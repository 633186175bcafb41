"""Mark sessions that were made on a device"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "practice_session",
        sa.Column("synced", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        schema="session",
    )
    mark_synced(op.get_bind())


def mark_synced(connection: sa.Connection) -> None:
    """Marks the sessions that devices made: other than those that were ended here, they had no end to record.

    Answers that devices kept are items too, of sessions that were started here.
    """
    connection.execute(
        sa.text(
            """
            UPDATE session.practice_session AS session SET synced = true
            FROM session.synced_item AS item
            WHERE item.session_id = session.id AND session.ended_at IS NOT NULL AND NOT EXISTS (
                SELECT FROM session.journal WHERE journal.session_id = session.id AND journal.change = 'ended'
            )
            """
        )
    )


def downgrade() -> None:
    op.drop_column("practice_session", "synced", schema="session")
