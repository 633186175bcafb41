"""Add items, settings and notes"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "session_item",
        sa.Column("session_id", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("item", sa.Text(), nullable=False),
        sa.Column("prompt", sa.Text(), nullable=False),
        sa.Column("correct_answer", sa.Text(), nullable=False),
        sa.Column("attempt_count", sa.Integer(), nullable=False),
        sa.Column("correct_attempt_count", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["session_id"], ["session.practice_session.id"], name=op.f("session_item_session_id_fkey")
        ),
        sa.PrimaryKeyConstraint("session_id", "position", name=op.f("session_item_pkey")),
        sa.UniqueConstraint("session_id", "item", name=op.f("session_item_session_id_item_key")),
        schema="session",
    )
    op.add_column(
        "journal",
        sa.Column("item_count", sa.Integer(), server_default=sa.text("0"), nullable=False),
        schema="session",
    )
    op.add_column(
        "journal",
        sa.Column("answered_item_count", sa.Integer(), server_default=sa.text("0"), nullable=False),
        schema="session",
    )
    op.add_column(
        "journal",
        sa.Column("mastered_item_count", sa.Integer(), server_default=sa.text("0"), nullable=False),
        schema="session",
    )
    op.add_column(
        "journal",
        sa.Column("right_run", sa.Integer(), server_default=sa.text("0"), nullable=False),
        schema="session",
    )
    op.add_column(
        "practice_session",
        sa.Column("content_title", sa.Text(), server_default=sa.text("''"), nullable=False),
        schema="session",
    )
    op.add_column(
        "practice_session",
        sa.Column("content_type", sa.Text(), server_default=sa.text("''"), nullable=False),
        schema="session",
    )
    op.add_column(
        "practice_session",
        sa.Column(
            "settings",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'"),
            nullable=False,
        ),
        schema="session",
    )
    op.add_column(
        "practice_session",
        sa.Column("item_count", sa.Integer(), server_default=sa.text("0"), nullable=False),
        schema="session",
    )
    op.add_column(
        "practice_session",
        sa.Column("answered_item_count", sa.Integer(), server_default=sa.text("0"), nullable=False),
        schema="session",
    )
    op.add_column(
        "practice_session",
        sa.Column("mastered_item_count", sa.Integer(), server_default=sa.text("0"), nullable=False),
        schema="session",
    )
    op.add_column(
        "practice_session",
        sa.Column("right_run", sa.Integer(), server_default=sa.text("0"), nullable=False),
        schema="session",
    )
    op.add_column(
        "practice_session",
        sa.Column("note", sa.Text(), server_default=sa.text("''"), nullable=False),
        schema="session",
    )


def downgrade() -> None:
    op.drop_column("practice_session", "note", schema="session")
    op.drop_column("practice_session", "right_run", schema="session")
    op.drop_column("practice_session", "mastered_item_count", schema="session")
    op.drop_column("practice_session", "answered_item_count", schema="session")
    op.drop_column("practice_session", "item_count", schema="session")
    op.drop_column("practice_session", "settings", schema="session")
    op.drop_column("practice_session", "content_type", schema="session")
    op.drop_column("practice_session", "content_title", schema="session")
    op.drop_column("journal", "right_run", schema="session")
    op.drop_column("journal", "mastered_item_count", schema="session")
    op.drop_column("journal", "answered_item_count", schema="session")
    op.drop_column("journal", "item_count", schema="session")
    op.drop_table("session_item", schema="session")
