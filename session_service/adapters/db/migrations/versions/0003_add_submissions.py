"""Add submissions"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:

    op.create_table(
        "submission",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("content_created_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("session_id", sa.BigInteger(), nullable=True),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("score", sa.SmallInteger(), nullable=False),
        sa.Column("elapsed_seconds", sa.Integer(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("feedback", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("submitted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["session_id"], ["session.practice_session.id"], name=op.f("submission_session_id_fkey")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("submission_pkey")),
        sa.UniqueConstraint("session_id", name=op.f("submission_session_id_key")),
        schema="session",
    )
    op.create_index(
        "submission_listing",
        "submission",
        ["user_id", sa.literal_column("id DESC")],
        unique=False,
        schema="session",
    )
    op.create_index(
        "submission_of_content",
        "submission",
        ["user_id", "content", sa.literal_column("id DESC")],
        unique=False,
        schema="session",
    )
    op.create_table(
        "submission_message",
        sa.Column("submission_id", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["submission_id"],
            ["session.submission.id"],
            name=op.f("submission_message_submission_id_fkey"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("submission_id", "position", name=op.f("submission_message_pkey")),
        schema="session",
    )
    op.add_column(
        "practice_session",
        sa.Column("content_created_at", sa.DateTime(timezone=True), nullable=True),
        schema="session",
    )


def downgrade() -> None:

    op.drop_column("practice_session", "content_created_at", schema="session")
    op.drop_table("submission_message", schema="session")
    op.drop_index("submission_of_content", table_name="submission", schema="session")
    op.drop_index("submission_listing", table_name="submission", schema="session")
    op.drop_table("submission", schema="session")
