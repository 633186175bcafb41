"""Events name their request: who follows one through the logs finds what became of it"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "outbox", sa.Column("request_id", sa.Text(), nullable=False, server_default=""), schema="session"
    )


def downgrade() -> None:
    op.drop_column("outbox", "request_id", schema="session")
