"""Create the stats schema"""

from __future__ import annotations

import secrets

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, DATEMULTIRANGE, JSONB

from service_kit.db.erasure import SKIP, guard_statements, unguard_statements
from stats_service.adapters.db.migrations.digest_triggers import create_digest_triggers, drop_digest_functions

revision = "0001"
down_revision = None

INSTANT = sa.DateTime(timezone=True)
PRACTISED_SECONDS = """
CASE WHEN implausible
THEN least(elapsed_seconds, greatest(0, floor(extract(epoch FROM end_time - start_time)))::bigint)
ELSE elapsed_seconds END
"""
# Work on learners goes on without those who are gone; what is recorded for one is refused.
SKIPPED = ("learner", "rejected_event", "recalculation_difference", "reconciliation_learner")
# Final scores are not among them: a board has more learners than a transaction may have locks.
REFUSED = ("streak_entry", "leaderboard_settings", "idempotency")


def upgrade() -> None:
    _create_facts()
    _create_progress()
    _create_leaderboards()
    _create_reports()
    for statement in (
        *guard_statements("stats", SKIPPED, verb="skip", then=SKIP),
        *guard_statements("stats", REFUSED),
    ):
        op.execute(statement)
    create_digest_triggers()
    # An index is read alone where the table was vacuumed since; appends do not wait long for that.
    op.execute("ALTER TABLE stats.completion SET (autovacuum_vacuum_insert_scale_factor = 0.05)")
    # What anonymous names and page tokens of leaderboards are made with, drawn here once.
    key = sa.table("leaderboard_key", sa.column("key", sa.LargeBinary), schema="stats")
    op.bulk_insert(key, [{"key": secrets.token_bytes(32)}])


def _create_facts() -> None:
    op.create_table(
        "completion",
        sa.Column("user_id", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("user_seq", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("event_id", sa.Uuid, nullable=False),
        sa.Column("session_id", sa.BigInteger, nullable=False),
        sa.Column("product", sa.Text, nullable=False),
        sa.Column("outcome", sa.Text, nullable=False),
        sa.Column("counts", sa.Boolean, nullable=False),
        sa.Column("start_time", INSTANT, nullable=False),
        sa.Column("end_time", INSTANT, nullable=False),
        sa.Column("time_zone", sa.Text, nullable=False),
        sa.Column("rollover_hour", sa.Integer, nullable=False),
        sa.Column("local_date", sa.Date, nullable=False),
        sa.Column("elapsed_seconds", sa.BigInteger, nullable=False),
        sa.Column("implausible", sa.Boolean, nullable=False),
        sa.Column("answer_count", sa.Integer, nullable=False),
        sa.Column("correct_answer_count", sa.Integer, nullable=False),
        sa.Column("content", sa.Text, nullable=False),
        sa.Column("mode", sa.Text, nullable=False),
        sa.Column("synced", sa.Boolean, nullable=False),
        sa.Column(
            "practised_seconds", sa.BigInteger, sa.Computed(PRACTISED_SECONDS, persisted=True), nullable=False
        ),
        sa.Column("local_minute", sa.SmallInteger, nullable=False),
        sa.Column("received_at", INSTANT, server_default=sa.func.now(), nullable=False),
        sa.PrimaryKeyConstraint("user_id", "user_seq"),
        sa.UniqueConstraint("event_id"),
        sa.UniqueConstraint("session_id"),
        schema="stats",
    )
    op.create_index(
        "completion_canonical_order",
        "completion",
        ["user_id", "end_time", "event_id"],
        schema="stats",
        postgresql_include=[
            *("user_seq", "product", "counts", "practised_seconds", "local_date", "answer_count"),
            *("correct_answer_count", "local_minute", "time_zone", "rollover_hour", "outcome", "mode"),
            "synced",
        ],
    )
    op.create_index(
        "completion_synced",
        "completion",
        ["user_id", "local_date"],
        schema="stats",
        postgresql_where="synced AND counts",
    )
    op.create_table(
        "calendar_change",
        sa.Column("user_id", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("user_seq", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("event_id", sa.Uuid, nullable=False),
        sa.Column("effective_time", INSTANT, nullable=False),
        sa.Column("time_zone", sa.Text, nullable=False),
        sa.Column("rollover_hour", sa.Integer, nullable=False),
        sa.Column("sign_up_time", INSTANT),
        sa.Column("received_at", INSTANT, server_default=sa.func.now(), nullable=False),
        sa.PrimaryKeyConstraint("user_id", "user_seq"),
        sa.UniqueConstraint("event_id"),
        schema="stats",
    )
    op.create_index(
        "calendar_change_in_force", "calendar_change", ["user_id", "effective_time"], schema="stats"
    )
    op.create_table(
        "rejected_event",
        sa.Column("event_id", sa.Uuid, nullable=False),
        sa.Column("payload_digest", sa.LargeBinary, nullable=False),
        sa.Column("payload", sa.LargeBinary, nullable=False),
        sa.Column("user_id", sa.BigInteger),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("rejected_at", INSTANT, server_default=sa.func.now(), nullable=False),
        sa.PrimaryKeyConstraint("event_id", "payload_digest"),
        schema="stats",
    )
    op.create_index("ix_stats_rejected_event_user_id", "rejected_event", ["user_id"], schema="stats")
    op.create_table(
        "streak_entry",
        sa.Column("user_id", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("entry_id", sa.Uuid, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("product", sa.Text),
        sa.Column("first_day", sa.Date, nullable=False),
        sa.Column("last_day", sa.Date),
        sa.Column("weekdays", ARRAY(sa.SmallInteger)),
        sa.Column("pause_id", sa.Uuid),
        sa.Column("source", sa.Text),
        sa.Column("actor", sa.Text, server_default="", nullable=False),
        sa.Column("reason", sa.Text, server_default="", nullable=False),
        sa.Column("held_at_most", sa.SmallInteger),
        sa.Column("recorded_at", INSTANT, server_default=sa.func.clock_timestamp(), nullable=False),
        sa.PrimaryKeyConstraint("user_id", "entry_id"),
        schema="stats",
    )
    op.create_index("streak_entry_user", "streak_entry", ["user_id", "recorded_at"], schema="stats")
    op.create_table(
        "freeze_ledger",
        sa.Column("user_id", sa.BigInteger, nullable=False),
        sa.Column("id", sa.BigInteger, sa.Identity(always=True), nullable=False),
        sa.Column("product", sa.Text, nullable=False),
        sa.Column("day", sa.Date, nullable=False),
        sa.Column("change", sa.Text, sa.CheckConstraint("change IN ('used', 'refunded')"), nullable=False),
        sa.Column("recorded_at", INSTANT, server_default=sa.func.clock_timestamp(), nullable=False),
        sa.PrimaryKeyConstraint("user_id", "product", "id"),
        schema="stats",
    )
    op.create_table(
        "erased_user",
        sa.Column("user_id", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("request_id", sa.Text, nullable=False),
        sa.Column("erased_at", INSTANT, server_default=sa.func.now(), nullable=False),
        sa.Column("removed", JSONB(), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("corrected", JSONB(), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("finished_at", INSTANT),
        sa.PrimaryKeyConstraint("user_id"),
        schema="stats",
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
        sa.PrimaryKeyConstraint("user_id", "key"),
        schema="stats",
    )
    op.create_index("ix_stats_idempotency_created_at", "idempotency", ["created_at"], schema="stats")


def _create_progress() -> None:
    op.create_table(
        "badge_definition",
        sa.Column("badge_id", sa.Text, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("description", sa.Text, nullable=False),
        sa.Column("icon", sa.Text, nullable=False),
        sa.Column("product", sa.Text, nullable=False),
        sa.Column("condition", sa.Text, nullable=False),
        sa.Column("first_day", sa.Date),
        sa.Column("last_day", sa.Date),
        sa.Column("hidden", sa.Boolean, server_default="false", nullable=False),
        sa.Column(
            "state", sa.Text, sa.CheckConstraint("state IN ('inactive', 'active', 'locked')"), nullable=False
        ),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.Column("replaced_at", INSTANT),
        sa.PrimaryKeyConstraint("badge_id", "version"),
        schema="stats",
    )
    op.create_index(
        "badge_definition_newest",
        "badge_definition",
        ["badge_id"],
        unique=True,
        schema="stats",
        postgresql_where="replaced_at IS NULL",
    )
    op.create_index("badge_definition_revision", "badge_definition", ["revision"], schema="stats")
    op.create_table(
        "learner",
        sa.Column("user_id", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("time_zone", sa.Text, server_default="UTC", nullable=False),
        sa.Column("rollover_hour", sa.Integer, server_default="0", nullable=False),
        sa.Column("latest_end_time", INSTANT),
        sa.Column("applied_through", sa.BigInteger, server_default="0", nullable=False),
        sa.Column("catalogue_revision", sa.BigInteger, server_default="0", nullable=False),
        sa.Column("version", sa.BigInteger, server_default="0", nullable=False),
        sa.Column("progress_digest", sa.BigInteger),
        sa.PrimaryKeyConstraint("user_id"),
        schema="stats",
    )
    op.create_index(
        "learner_catalogue_revision", "learner", ["catalogue_revision", "user_id"], schema="stats"
    )
    op.create_table(
        "daily_progress",
        sa.Column("user_id", sa.BigInteger, nullable=False),
        sa.Column("product", sa.Text, nullable=False),
        sa.Column("local_date", sa.Date, nullable=False),
        sa.Column("session_count", sa.BigInteger, nullable=False),
        sa.Column("elapsed_seconds", sa.BigInteger, nullable=False),
        sa.Column("answer_count", sa.BigInteger, nullable=False),
        sa.Column("correct_answer_count", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("user_id", "product", "local_date"),
        schema="stats",
    )
    op.create_index("daily_progress_day", "daily_progress", ["local_date"], schema="stats")
    op.create_table(
        "standing",
        sa.Column("user_id", sa.BigInteger, nullable=False),
        sa.Column("product", sa.Text, nullable=False),
        sa.Column("session_count", sa.BigInteger, nullable=False),
        sa.Column("elapsed_seconds", sa.BigInteger, nullable=False),
        sa.Column("answer_count", sa.BigInteger, nullable=False),
        sa.Column("correct_answer_count", sa.BigInteger, nullable=False),
        sa.Column("days", DATEMULTIRANGE(), nullable=False),
        sa.Column("frozen", ARRAY(sa.Date), server_default="{}", nullable=False),
        sa.PrimaryKeyConstraint("user_id", "product"),
        schema="stats",
    )
    op.create_table(
        "awarded_badge",
        sa.Column("user_id", sa.BigInteger, nullable=False),
        sa.Column("badge_id", sa.Text, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("user_seq", sa.BigInteger, nullable=False),
        sa.ForeignKeyConstraint(
            ["badge_id", "version"], ["stats.badge_definition.badge_id", "stats.badge_definition.version"]
        ),
        sa.PrimaryKeyConstraint("user_id", "badge_id"),
        schema="stats",
    )


def _create_leaderboards() -> None:
    op.create_table(
        "leaderboard_settings",
        sa.Column("user_id", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("alias", sa.Text, server_default="", nullable=False),
        sa.Column("alias_appearance", sa.Text),
        sa.Column("opted_out", sa.Boolean, server_default="false", nullable=False),
        sa.PrimaryKeyConstraint("user_id"),
        sa.UniqueConstraint("alias_appearance"),
        schema="stats",
    )
    op.create_table(
        "leaderboard_key",
        sa.Column("sole", sa.Boolean, sa.CheckConstraint("sole"), server_default="true", nullable=False),
        sa.Column("key", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("sole"),
        schema="stats",
    )
    op.create_table(
        "leaderboard_closing",
        sa.Column("period", sa.Text, nullable=False),
        sa.Column("closed_through", sa.Date),
        sa.PrimaryKeyConstraint("period"),
        schema="stats",
    )
    op.create_table(
        "leaderboard_entry",
        sa.Column("user_id", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("period", sa.Text, nullable=False),
        sa.Column("first_day", sa.Date, nullable=False),
        sa.Column("product", sa.Text, nullable=False),
        sa.Column("elapsed_seconds", sa.BigInteger, nullable=False),
        sa.Column("session_count", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("user_id", "period", "first_day", "product"),
        schema="stats",
    )
    op.create_index(
        "leaderboard_entry_board",
        "leaderboard_entry",
        ["period", "first_day", "product", "user_id"],
        schema="stats",
    )


def _create_reports() -> None:
    op.create_table(
        "recalculation",
        sa.Column("job_id", sa.Uuid, nullable=False),
        sa.Column("scope", JSONB(), nullable=False),
        sa.Column("shadow", sa.Boolean, nullable=False),
        sa.Column("deep", sa.Boolean, nullable=False),
        sa.Column("created_at", INSTANT, server_default=sa.func.clock_timestamp(), nullable=False),
        sa.Column("finished_at", INSTANT),
        sa.Column("cancelled_at", INSTANT),
        sa.PrimaryKeyConstraint("job_id"),
        schema="stats",
    )
    op.create_index(
        "recalculation_open",
        "recalculation",
        ["created_at"],
        schema="stats",
        postgresql_where="finished_at IS NULL AND cancelled_at IS NULL",
    )
    op.create_table(
        "recalculation_shard",
        sa.Column("job_id", sa.Uuid, nullable=False),
        sa.Column("number", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("first_user", sa.BigInteger, nullable=False),
        sa.Column("last_user", sa.BigInteger, nullable=False),
        sa.Column("expected", sa.BigInteger, nullable=False),
        sa.Column(
            "state",
            sa.Text,
            sa.CheckConstraint("state IN ('pending', 'done', 'failed')"),
            server_default="pending",
            nullable=False,
        ),
        sa.Column("attempts", sa.Integer, server_default="0", nullable=False),
        sa.Column("learners", sa.BigInteger, server_default="0", nullable=False),
        sa.Column("completions", sa.BigInteger, server_default="0", nullable=False),
        sa.Column("learners_wrong", sa.BigInteger, server_default="0", nullable=False),
        sa.Column("changed_rows", sa.BigInteger, server_default="0", nullable=False),
        sa.Column("differences", JSONB(), server_default="{}", nullable=False),
        sa.Column("last_error", sa.Text, server_default="", nullable=False),
        sa.Column("sent_at", INSTANT),
        sa.Column("started_at", INSTANT),
        sa.Column("finished_at", INSTANT),
        sa.ForeignKeyConstraint(["job_id"], ["stats.recalculation.job_id"]),
        sa.PrimaryKeyConstraint("job_id", "number"),
        schema="stats",
    )
    op.create_table(
        "recalculation_difference",
        sa.Column("user_id", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("job_id", sa.Uuid, nullable=False),
        sa.Column("row_count", sa.Integer, nullable=False),
        sa.Column("rows", JSONB(), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["stats.recalculation.job_id"]),
        sa.PrimaryKeyConstraint("user_id", "job_id"),
        schema="stats",
    )
    op.create_index(
        "recalculation_difference_job", "recalculation_difference", ["job_id", "user_id"], schema="stats"
    )
    op.create_table(
        "reconciliation",
        sa.Column("run_id", sa.Uuid, nullable=False),
        sa.Column("whom", sa.Text, sa.CheckConstraint("whom IN ('recent', 'all', 'users')"), nullable=False),
        sa.Column("user_ids", ARRAY(sa.BigInteger), server_default="{}", nullable=False),
        sa.Column("deep", sa.Boolean, nullable=False),
        sa.Column("settle", sa.Interval, server_default="1 minute", nullable=False),
        sa.Column("on_demand", sa.Boolean, server_default="false", nullable=False),
        sa.Column("position", sa.BigInteger, server_default="0", nullable=False),
        sa.Column("created_at", INSTANT, server_default=sa.func.clock_timestamp(), nullable=False),
        sa.Column("finished_at", INSTANT),
        sa.Column("compared", sa.BigInteger, server_default="0", nullable=False),
        sa.Column("attempts", sa.Integer, server_default="0", nullable=False),
        sa.Column("last_error", sa.Text, server_default="", nullable=False),
        sa.PrimaryKeyConstraint("run_id"),
        schema="stats",
    )
    op.create_index("reconciliation_newest", "reconciliation", ["created_at"], schema="stats")
    op.create_table(
        "reconciliation_learner",
        sa.Column("user_id", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("run_id", sa.Uuid, nullable=False),
        sa.Column("event_ids", ARRAY(sa.Uuid), nullable=False),
        sa.Column("refused", sa.Integer, nullable=False),
        sa.Column("corrected", sa.Integer, nullable=False),
        sa.Column("orphans", sa.Integer, nullable=False),
        sa.Column("progress_rows", sa.Integer, nullable=False),
        sa.Column("found_at", INSTANT, server_default=sa.func.clock_timestamp(), nullable=False),
        sa.Column("whole_at", INSTANT),
        sa.ForeignKeyConstraint(["run_id"], ["stats.reconciliation.run_id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("user_id", "run_id"),
        schema="stats",
    )
    op.create_index(
        "reconciliation_learner_left",
        "reconciliation_learner",
        ["run_id"],
        schema="stats",
        postgresql_where="whole_at IS NULL",
    )
    op.create_index(
        "reconciliation_learner_run", "reconciliation_learner", ["run_id", "user_id"], schema="stats"
    )


def downgrade() -> None:
    for statement in (
        *unguard_statements("stats", SKIPPED, verb="skip"),
        *unguard_statements("stats", REFUSED),
    ):
        op.execute(statement)
    for table in (
        "reconciliation_learner",
        "reconciliation",
        "recalculation_difference",
        "recalculation_shard",
        "recalculation",
        "leaderboard_entry",
        "leaderboard_closing",
        "leaderboard_key",
        "leaderboard_settings",
        "awarded_badge",
        "standing",
        "daily_progress",
        "learner",
        "badge_definition",
        "idempotency",
        "erased_user",
        "freeze_ledger",
        "streak_entry",
        "rejected_event",
        "calendar_change",
        "completion",
    ):
        op.drop_table(table, schema="stats")
    drop_digest_functions()
