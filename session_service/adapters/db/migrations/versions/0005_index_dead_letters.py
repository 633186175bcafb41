"""Index dead letters"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "outbox_dead",
        "outbox",
        ["dead_at", "event_id"],
        schema="session",
        postgresql_where=sa.text("dead_at IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_index("outbox_dead", table_name="outbox", schema="session")
