"""Create the session schema"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "idempotency",
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("request_digest", sa.LargeBinary(), nullable=False),
        sa.Column("outcome", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("user_id", "key", name=op.f("idempotency_pkey")),
        schema="session",
    )
    op.create_index(
        op.f("idempotency_created_at_idx"), "idempotency", ["created_at"], unique=False, schema="session"
    )
    op.create_table(
        "learner",
        sa.Column("user_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("last_seq", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("time_zone", sa.Text(), server_default=sa.text("'UTC'"), nullable=False),
        sa.Column("rollover_hour", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.PrimaryKeyConstraint("user_id", name=op.f("learner_pkey")),
        schema="session",
    )
    op.create_table(
        "learner_time_zone",
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("effective_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("time_zone", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("user_id", "effective_at", name=op.f("learner_time_zone_pkey")),
        schema="session",
    )
    op.create_table(
        "outbox",
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("user_seq", sa.BigInteger(), nullable=False),
        sa.Column("aggregate_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("acked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("dead_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("event_id", name=op.f("outbox_pkey")),
        sa.UniqueConstraint("aggregate_id", "kind", name=op.f("outbox_aggregate_id_kind_key")),
        schema="session",
    )
    op.create_index(
        "outbox_due",
        "outbox",
        ["next_attempt_at"],
        unique=False,
        schema="session",
        postgresql_where=sa.text("acked_at IS NULL AND dead_at IS NULL"),
    )
    op.create_table(
        "practice_session",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("product", sa.Text(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("open_slot", sa.Text(), nullable=True),
        sa.Column("planned_seconds", sa.Integer(), nullable=True),
        sa.Column("elapsed_seconds", sa.Integer(), nullable=False),
        sa.Column("implausible", sa.Boolean(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("active_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("time_zone", sa.Text(), nullable=False),
        sa.Column("rollover_hour", sa.SmallInteger(), nullable=False),
        sa.Column("local_date", sa.Date(), nullable=True),
        sa.Column("answer_count", sa.Integer(), nullable=False),
        sa.Column("correct_answer_count", sa.Integer(), nullable=False),
        sa.Column("draft_hash", sa.Text(), nullable=False),
        sa.Column("draft_saved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("message_count", sa.Integer(), nullable=False),
        sa.Column("user_seq", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("practice_session_pkey")),
        sa.UniqueConstraint("user_id", "open_slot", name=op.f("practice_session_user_id_open_slot_key")),
        schema="session",
    )
    op.create_index(
        "practice_session_ended",
        "practice_session",
        ["id"],
        unique=False,
        schema="session",
        postgresql_where=sa.text("ended_at IS NOT NULL"),
    )
    op.create_index(
        "practice_session_listing",
        "practice_session",
        ["user_id", "product", sa.literal_column("id DESC")],
        unique=False,
        schema="session",
    )
    op.create_index(
        "practice_session_history",
        "practice_session",
        ["user_id", sa.literal_column("id DESC")],
        unique=False,
        schema="session",
    )
    op.create_index(
        "practice_session_open",
        "practice_session",
        ["user_id", "product", sa.literal_column("id DESC")],
        unique=False,
        schema="session",
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_table(
        "answer",
        sa.Column("session_id", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("answer_id", sa.Text(), nullable=False),
        sa.Column("item", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("time_taken", sa.Float(), nullable=True),
        sa.Column("correct", sa.Boolean(), nullable=False),
        sa.Column("correct_answer", sa.Text(), nullable=False),
        sa.Column("feedback", sa.Text(), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["session_id"], ["session.practice_session.id"], name=op.f("answer_session_id_fkey")
        ),
        sa.PrimaryKeyConstraint("session_id", "position", name=op.f("answer_pkey")),
        sa.UniqueConstraint("session_id", "answer_id", name=op.f("answer_session_id_answer_id_key")),
        schema="session",
    )
    op.create_table(
        "draft",
        sa.Column("session_id", sa.BigInteger(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("content_hash", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["session_id"], ["session.practice_session.id"], name=op.f("draft_session_id_fkey")
        ),
        sa.PrimaryKeyConstraint("session_id", name=op.f("draft_pkey")),
        schema="session",
    )
    op.create_table(
        "journal",
        sa.Column("session_id", sa.BigInteger(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("change", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("answer_count", sa.Integer(), nullable=False),
        sa.Column("correct_answer_count", sa.Integer(), nullable=False),
        sa.Column("elapsed_seconds", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["session_id"], ["session.practice_session.id"], name=op.f("journal_session_id_fkey")
        ),
        sa.PrimaryKeyConstraint("session_id", "sequence", name=op.f("journal_pkey")),
        schema="session",
    )
    op.create_table(
        "message",
        sa.Column("session_id", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["session_id"], ["session.practice_session.id"], name=op.f("message_session_id_fkey")
        ),
        sa.PrimaryKeyConstraint("session_id", "position", name=op.f("message_pkey")),
        schema="session",
    )


def downgrade() -> None:
    op.drop_table("message", schema="session")
    op.drop_table("journal", schema="session")
    op.drop_table("draft", schema="session")
    op.drop_table("answer", schema="session")
    op.drop_index(
        "practice_session_open",
        table_name="practice_session",
        schema="session",
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.drop_index("practice_session_history", table_name="practice_session", schema="session")
    op.drop_index("practice_session_listing", table_name="practice_session", schema="session")
    op.drop_index(
        "practice_session_ended",
        table_name="practice_session",
        schema="session",
        postgresql_where=sa.text("ended_at IS NOT NULL"),
    )
    op.drop_table("practice_session", schema="session")
    op.drop_index(
        "outbox_due",
        table_name="outbox",
        schema="session",
        postgresql_where=sa.text("acked_at IS NULL AND dead_at IS NULL"),
    )
    op.drop_table("outbox", schema="session")
    op.drop_table("learner_time_zone", schema="session")
    op.drop_table("learner", schema="session")
    op.drop_index(op.f("idempotency_created_at_idx"), table_name="idempotency", schema="session")
    op.drop_table("idempotency", schema="session")
