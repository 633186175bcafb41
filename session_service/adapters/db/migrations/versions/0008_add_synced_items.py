"""Add synced items"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "synced_item",
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("client_id", sa.Uuid(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("session_id", sa.BigInteger(), nullable=False),
        sa.Column("refused_answers", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("merged_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["session_id"], ["session.practice_session.id"], name=op.f("synced_item_session_id_fkey")
        ),
        sa.PrimaryKeyConstraint("user_id", "client_id", name=op.f("synced_item_pkey")),
        schema="session",
    )
    op.create_index("synced_item_session", "synced_item", ["session_id"], schema="session")


def downgrade() -> None:
    op.drop_table("synced_item", schema="session")
