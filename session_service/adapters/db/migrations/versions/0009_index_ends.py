"""Index ends: who practised of late is compared with statistics often"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "practice_session_ended_at",
        "practice_session",
        ["ended_at"],
        schema="session",
        postgresql_where=sa.text("ended_at IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_index("practice_session_ended_at", table_name="practice_session", schema="session")
