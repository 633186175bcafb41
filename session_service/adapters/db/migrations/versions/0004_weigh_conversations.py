"""Weigh conversations"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "practice_session",
        sa.Column("message_bytes", sa.Integer(), server_default=sa.text("0"), nullable=False),
        schema="session",
    )
    op.execute(
        """
        UPDATE session.practice_session AS weighed SET message_bytes = told.bytes
        FROM (
            SELECT session_id, sum(octet_length(to_json(content)::text) + 100) AS bytes
            FROM session.message GROUP BY session_id
        ) AS told
        WHERE told.session_id = weighed.id
        """
    )


def downgrade() -> None:
    op.drop_column("practice_session", "message_bytes", schema="session")
