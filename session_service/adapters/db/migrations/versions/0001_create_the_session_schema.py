"""Create the session schema"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from service_kit.db.erasure import guard_statements, unguard_statements
from session_service.adapters.db.migrations.first_products import first_rows
from session_service.adapters.db.migrations.totals_triggers import (
    create_totals_triggers,
    drop_totals_functions,
)

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
# Whatever a learner's first row may be in a transaction.
GUARDED = ("practice_session", "submission", "learner", "learner_calendar", "idempotency", "outbox")


def upgrade() -> None:
    op.create_table(
        "erased_user",
        sa.Column("user_id", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("request_id", sa.Text, nullable=False),
        sa.Column("erased_at", INSTANT, server_default=sa.func.now(), nullable=False),
        sa.Column("removed", JSONB(), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("corrected", JSONB(), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("finished_at", INSTANT),
        sa.PrimaryKeyConstraint("user_id", name="erased_user_pkey"),
        schema="session",
    )
    op.create_table(
        "idempotency",
        sa.Column("user_id", sa.BigInteger, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("method", sa.Text, nullable=False),
        sa.Column("request_digest", sa.LargeBinary, nullable=False),
        sa.Column("outcome", JSONB()),
        sa.Column("response", sa.LargeBinary),
        sa.Column("response_headers", JSONB()),
        sa.Column("created_at", INSTANT, server_default=sa.func.now(), nullable=False),
        sa.PrimaryKeyConstraint("user_id", "key", name="idempotency_pkey"),
        schema="session",
    )
    op.create_index("idempotency_created_at_idx", "idempotency", ["created_at"], schema="session")
    op.create_table(
        "learner",
        sa.Column("user_id", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("last_seq", sa.BigInteger, server_default=sa.text("0"), nullable=False),
        sa.Column("time_zone", sa.Text, server_default=sa.text("'UTC'"), nullable=False),
        sa.Column("rollover_hour", sa.SmallInteger, server_default=sa.text("0"), nullable=False),
        sa.Column("signed_up_at", INSTANT),
        sa.PrimaryKeyConstraint("user_id", name="learner_pkey"),
        schema="session",
    )
    op.create_table(
        "learner_calendar",
        sa.Column("user_id", sa.BigInteger, nullable=False),
        sa.Column("user_seq", sa.BigInteger, nullable=False),
        sa.Column("id", sa.BigInteger, sa.Identity(always=True), nullable=False),
        sa.Column("effective_at", INSTANT, nullable=False),
        sa.Column("time_zone", sa.Text, nullable=False),
        sa.Column("rollover_hour", sa.SmallInteger, nullable=False),
        sa.Column("signed_up_at", INSTANT),
        sa.PrimaryKeyConstraint("user_id", "user_seq", name="learner_calendar_pkey"),
        schema="session",
    )
    op.create_index(
        "learner_calendar_history",
        "learner_calendar",
        ["user_id", sa.literal_column("effective_at DESC")],
        schema="session",
    )
    op.create_index("learner_calendar_number", "learner_calendar", ["id"], schema="session")
    op.create_table(
        "outbox",
        sa.Column("user_id", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("user_seq", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("event_id", sa.Uuid, nullable=False),
        sa.Column("aggregate_id", sa.BigInteger, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("payload", sa.LargeBinary, nullable=False),
        sa.Column("attempts", sa.Integer, server_default=sa.text("0"), nullable=False),
        sa.Column("created_at", INSTANT, server_default=sa.func.now(), nullable=False),
        sa.Column("next_attempt_at", INSTANT, nullable=False),
        sa.Column("acked_at", INSTANT),
        sa.Column("dead_at", INSTANT),
        sa.Column("last_error", sa.Text),
        sa.Column("request_id", sa.Text, server_default="", nullable=False),
        sa.PrimaryKeyConstraint("user_id", "user_seq", name="outbox_pkey"),
        sa.UniqueConstraint("aggregate_id", "kind", name="outbox_aggregate_id_kind_key"),
        sa.UniqueConstraint("event_id", name="outbox_event_id_key"),
        schema="session",
    )
    op.create_index(
        "outbox_dead",
        "outbox",
        ["dead_at", "event_id"],
        schema="session",
        postgresql_where=sa.text("dead_at IS NOT NULL"),
    )
    op.create_index(
        "outbox_due",
        "outbox",
        ["next_attempt_at"],
        schema="session",
        postgresql_where=sa.text("acked_at IS NULL AND dead_at IS NULL"),
    )
    products = op.create_table(
        "product_version",
        sa.Column("product", sa.Text, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("policy", JSONB(), nullable=False),
        sa.Column("published_at", INSTANT, server_default=sa.func.now(), nullable=False),
        sa.Column("retired_at", INSTANT),
        sa.PrimaryKeyConstraint("product", "version", name="product_version_pkey"),
        schema="session",
    )
    op.bulk_insert(products, first_rows())
    op.create_table(
        "practice_session",
        sa.Column("user_id", sa.BigInteger, nullable=False),
        sa.Column("id", sa.BigInteger, sa.Identity(always=True), nullable=False),
        sa.Column("product", sa.Text, nullable=False),
        sa.Column("policy_version", sa.Integer, nullable=False),
        sa.Column("mode", sa.Text, nullable=False),
        sa.Column("content", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("open_slot", sa.Text),
        sa.Column("planned_seconds", sa.Integer),
        sa.Column("elapsed_seconds", sa.Integer, nullable=False),
        sa.Column("implausible", sa.Boolean, nullable=False),
        sa.Column("started_at", INSTANT, nullable=False),
        sa.Column("active_since", INSTANT),
        sa.Column("ended_at", INSTANT),
        sa.Column("time_zone", sa.Text, nullable=False),
        sa.Column("rollover_hour", sa.SmallInteger, nullable=False),
        sa.Column("local_date", sa.Date),
        sa.Column("answer_count", sa.Integer, nullable=False),
        sa.Column("correct_answer_count", sa.Integer, nullable=False),
        sa.Column("draft_hash", sa.Text, nullable=False),
        sa.Column("draft_saved_at", INSTANT),
        sa.Column("message_count", sa.Integer, nullable=False),
        sa.Column("content_title", sa.Text, nullable=False),
        sa.Column("content_type", sa.Text, nullable=False),
        sa.Column("content_created_at", INSTANT),
        sa.Column("settings", JSONB(), nullable=False),
        sa.Column("item_count", sa.Integer, nullable=False),
        sa.Column("answered_item_count", sa.Integer, nullable=False),
        sa.Column("mastered_item_count", sa.Integer, nullable=False),
        sa.Column("right_run", sa.Integer, nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("message_bytes", sa.Integer, nullable=False),
        sa.Column("synced", sa.Boolean, nullable=False),
        sa.Column("user_seq", sa.BigInteger, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("updated_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("user_id", "id", name="practice_session_pkey"),
        sa.UniqueConstraint("user_id", "open_slot", name="practice_session_user_id_open_slot_key"),
        schema="session",
    )
    op.create_index(
        "practice_session_ended_at",
        "practice_session",
        ["ended_at"],
        schema="session",
        postgresql_where=sa.text("ended_at IS NOT NULL"),
    )
    op.create_index(
        "practice_session_listing",
        "practice_session",
        ["user_id", "product", sa.literal_column("id DESC")],
        schema="session",
    )
    op.create_index(
        "practice_session_conversations",
        "practice_session",
        ["user_id"],
        schema="session",
        postgresql_include=["message_bytes"],
        postgresql_where=sa.text("message_bytes > 0"),
    )
    op.create_index("practice_session_number", "practice_session", ["id"], schema="session")
    op.create_index(
        "practice_session_open",
        "practice_session",
        ["user_id", "product", sa.literal_column("id DESC")],
        schema="session",
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_table(
        "answer",
        sa.Column("user_id", sa.BigInteger, nullable=False),
        sa.Column("session_id", sa.BigInteger, nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("answer_id", sa.Text, nullable=False),
        sa.Column("item", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("time_taken", sa.Float),
        sa.Column("correct", sa.Boolean, nullable=False),
        sa.Column("correct_answer", sa.Text, nullable=False),
        sa.Column("feedback", sa.Text, nullable=False),
        sa.Column("answered_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id", "session_id"],
            ["session.practice_session.user_id", "session.practice_session.id"],
            name="answer_user_id_session_id_fkey",
        ),
        sa.PrimaryKeyConstraint("user_id", "session_id", "position", name="answer_pkey"),
        sa.UniqueConstraint(
            "user_id", "session_id", "answer_id", name="answer_user_id_session_id_answer_id_key"
        ),
        schema="session",
    )
    op.create_table(
        "draft",
        sa.Column("user_id", sa.BigInteger, nullable=False),
        sa.Column("session_id", sa.BigInteger, nullable=False),
        sa.Column("content", sa.Text, nullable=False),
        sa.Column("content_hash", sa.Text, nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id", "session_id"],
            ["session.practice_session.user_id", "session.practice_session.id"],
            name="draft_user_id_session_id_fkey",
        ),
        sa.PrimaryKeyConstraint("user_id", "session_id", name="draft_pkey"),
        schema="session",
    )
    op.create_table(
        "journal",
        sa.Column("user_id", sa.BigInteger, nullable=False),
        sa.Column("session_id", sa.BigInteger, nullable=False),
        sa.Column("sequence", sa.BigInteger, nullable=False),
        sa.Column("change", sa.Text, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("answer_count", sa.Integer, nullable=False),
        sa.Column("correct_answer_count", sa.Integer, nullable=False),
        sa.Column("elapsed_seconds", sa.Integer, nullable=False),
        sa.Column("item_count", sa.Integer, nullable=False),
        sa.Column("answered_item_count", sa.Integer, nullable=False),
        sa.Column("mastered_item_count", sa.Integer, nullable=False),
        sa.Column("right_run", sa.Integer, nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id", "session_id"],
            ["session.practice_session.user_id", "session.practice_session.id"],
            name="journal_user_id_session_id_fkey",
        ),
        sa.PrimaryKeyConstraint("user_id", "session_id", "sequence", name="journal_pkey"),
        schema="session",
    )
    op.create_index(
        "journal_ended",
        "journal",
        ["at"],
        schema="session",
        postgresql_where=sa.text("state NOT IN ('active', 'paused')"),
    )
    op.create_table(
        "message",
        sa.Column("user_id", sa.BigInteger, nullable=False),
        sa.Column("session_id", sa.BigInteger, nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("content", sa.Text, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id", "session_id"],
            ["session.practice_session.user_id", "session.practice_session.id"],
            name="message_user_id_session_id_fkey",
        ),
        sa.PrimaryKeyConstraint("user_id", "session_id", "position", name="message_pkey"),
        schema="session",
    )
    op.create_table(
        "session_item",
        sa.Column("user_id", sa.BigInteger, nullable=False),
        sa.Column("session_id", sa.BigInteger, nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("item", sa.Text, nullable=False),
        sa.Column("prompt", sa.Text, nullable=False),
        sa.Column("correct_answer", sa.Text, nullable=False),
        sa.Column("attempt_count", sa.Integer, nullable=False),
        sa.Column("correct_attempt_count", sa.Integer, nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id", "session_id"],
            ["session.practice_session.user_id", "session.practice_session.id"],
            name="session_item_user_id_session_id_fkey",
        ),
        sa.PrimaryKeyConstraint("user_id", "session_id", "position", name="session_item_pkey"),
        sa.UniqueConstraint("user_id", "session_id", "item", name="session_item_user_id_session_id_item_key"),
        schema="session",
    )
    op.create_table(
        "submission",
        sa.Column("user_id", sa.BigInteger, nullable=False),
        sa.Column("id", sa.BigInteger, sa.Identity(always=True), nullable=False),
        sa.Column("content", sa.Text, nullable=False),
        sa.Column("content_created_at", INSTANT),
        sa.Column("session_id", sa.BigInteger),
        sa.Column("document", sa.Text, nullable=False),
        sa.Column("score", sa.SmallInteger, nullable=False),
        sa.Column("elapsed_seconds", sa.Integer, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("feedback", JSONB(), nullable=False),
        sa.Column("submitted_at", INSTANT, nullable=False),
        sa.Column("updated_at", INSTANT, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id", "session_id"],
            ["session.practice_session.user_id", "session.practice_session.id"],
            name="submission_user_id_session_id_fkey",
        ),
        sa.PrimaryKeyConstraint("user_id", "id", name="submission_pkey"),
        sa.UniqueConstraint("user_id", "session_id", name="submission_user_id_session_id_key"),
        schema="session",
    )
    op.create_index("submission_number", "submission", ["id"], schema="session")
    op.create_index(
        "submission_of_content",
        "submission",
        ["user_id", "content", sa.literal_column("id DESC")],
        schema="session",
    )
    op.create_table(
        "synced_item",
        sa.Column("user_id", sa.BigInteger, nullable=False),
        sa.Column("client_id", sa.Uuid, nullable=False),
        sa.Column("digest", sa.LargeBinary, nullable=False),
        sa.Column("session_id", sa.BigInteger, nullable=False),
        sa.Column("refused_answers", JSONB(), nullable=False),
        sa.Column("merged_at", INSTANT, server_default=sa.func.now(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id", "session_id"],
            ["session.practice_session.user_id", "session.practice_session.id"],
            name="synced_item_user_id_session_id_fkey",
        ),
        sa.PrimaryKeyConstraint("user_id", "client_id", name="synced_item_pkey"),
        schema="session",
    )
    op.create_index("synced_item_session", "synced_item", ["user_id", "session_id"], schema="session")
    op.create_table(
        "submission_message",
        sa.Column("user_id", sa.BigInteger, nullable=False),
        sa.Column("submission_id", sa.BigInteger, nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("content", sa.Text, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id", "submission_id"],
            ["session.submission.user_id", "session.submission.id"],
            name="submission_message_user_id_submission_id_fkey",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("user_id", "submission_id", "position", name="submission_message_pkey"),
        schema="session",
    )
    op.create_table(
        "session_total",
        sa.Column("user_id", sa.BigInteger, nullable=False),
        sa.Column("product", sa.Text, nullable=False),
        sa.Column("started", sa.BigInteger, nullable=False),
        sa.Column("ended", sa.BigInteger, nullable=False),
        sa.Column("completed", sa.BigInteger, nullable=False),
        sa.Column("completed_seconds", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("user_id", "product", name="session_total_pkey"),
        schema="session",
    )
    create_totals_triggers()
    for statement in guard_statements("session", GUARDED):
        op.execute(statement)


def downgrade() -> None:
    for statement in unguard_statements("session", GUARDED):
        op.execute(statement)
    for table in (
        "session_total",
        "submission_message",
        "synced_item",
        "submission",
        "session_item",
        "message",
        "journal",
        "draft",
        "answer",
        "practice_session",
        "product_version",
        "outbox",
        "learner_calendar",
        "learner",
        "idempotency",
        "erased_user",
    ):
        op.drop_table(table, schema="session")
    drop_totals_functions()
