"""Jobs of recalculation, a digest of everybody's progress, and facts that are read by index alone."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from service_kit.db.erasure import SKIP, guard_statements

revision = "0006"
down_revision = "0005"

INSTANT = sa.DateTime(timezone=True)
# What is derived from facts. `learner` has more: when it was saved, and how often.
DERIVED = ("daily_progress", "standing", "awarded_badge")
TOLD_BY_LEARNER = ("time_zone", "rollover_hour", "latest_end_time", "applied_through")
# What derive() reads, so that the table itself need not be.
READ = [
    *("user_seq", "product", "counts", "elapsed_seconds", "local_date", "answer_count"),
    *("correct_answer_count", "local_minute", "time_zone", "rollover_hour", "outcome", "mode"),
]
UNSAVED = "current_setting('stats.saving', true) IS DISTINCT FROM 'on'"


def upgrade() -> None:
    op.drop_index("completion_canonical_order", table_name="completion", schema="stats")
    op.create_index(
        "completion_canonical_order",
        "completion",
        ["user_id", "end_time", "event_id"],
        schema="stats",
        postgresql_include=READ,
    )
    # An index is read alone where the table was vacuumed since; appends do not wait long for that.
    op.execute("ALTER TABLE stats.completion SET (autovacuum_vacuum_insert_scale_factor = 0.05)")
    op.add_column("learner", sa.Column("progress_digest", sa.BigInteger), schema="stats")
    _forget_digests()
    _create_jobs()


def _forget_digests() -> None:
    """Whoever changes derived rows otherwise than by saving makes the person's digest unknown."""
    op.execute(
        """
        CREATE FUNCTION stats.forget_digest() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            UPDATE stats.learner SET progress_digest = NULL
            WHERE user_id IN (OLD.user_id, NEW.user_id) AND progress_digest IS NOT NULL;
            RETURN NULL;
        END $$
        """
    )
    op.execute(
        """
        CREATE FUNCTION stats.forget_digests() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            UPDATE stats.learner SET progress_digest = NULL WHERE progress_digest IS NOT NULL;
            RETURN NULL;
        END $$
        """
    )
    op.execute(
        """
        CREATE FUNCTION stats.forget_own_digest() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            NEW.progress_digest = NULL;
            RETURN NEW;
        END $$
        """
    )
    for table in DERIVED:
        op.execute(
            f"CREATE TRIGGER forget_digest AFTER INSERT OR UPDATE OR DELETE ON stats.{table}"
            f" FOR EACH ROW WHEN ({UNSAVED}) EXECUTE FUNCTION stats.forget_digest()"
        )
        op.execute(
            f"CREATE TRIGGER forget_digests AFTER TRUNCATE ON stats.{table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION stats.forget_digests()"
        )
    op.execute(
        f"CREATE TRIGGER forget_digest BEFORE UPDATE OF {', '.join(TOLD_BY_LEARNER)} ON stats.learner"
        f" FOR EACH ROW WHEN ({UNSAVED}) EXECUTE FUNCTION stats.forget_own_digest()"
    )


def _create_jobs() -> None:
    op.create_table(
        "recalculation",
        sa.Column("job_id", sa.Uuid, primary_key=True),
        sa.Column("scope", JSONB, nullable=False),
        sa.Column("shadow", sa.Boolean, nullable=False),
        sa.Column("deep", sa.Boolean, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False, server_default=sa.func.clock_timestamp()),
        sa.Column("finished_at", INSTANT),
        sa.Column("cancelled_at", INSTANT),
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
        sa.Column("job_id", sa.Uuid, sa.ForeignKey("stats.recalculation.job_id"), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("first_user", sa.BigInteger, nullable=False),
        sa.Column("last_user", sa.BigInteger, nullable=False),
        sa.Column("expected", sa.BigInteger, nullable=False),
        sa.Column(
            "state",
            sa.Text,
            sa.CheckConstraint("state IN ('pending', 'done', 'failed')"),
            nullable=False,
            server_default="pending",
        ),
        sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
        sa.Column("people", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("completions", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("people_wrong", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("changed_rows", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("differences", JSONB, nullable=False, server_default="{}"),
        sa.Column("last_error", sa.Text, nullable=False, server_default=""),
        sa.Column("sent_at", INSTANT),
        sa.Column("started_at", INSTANT),
        sa.Column("finished_at", INSTANT),
        schema="stats",
    )
    op.create_table(
        "recalculation_difference",
        sa.Column("job_id", sa.Uuid, sa.ForeignKey("stats.recalculation.job_id"), primary_key=True),
        sa.Column("user_id", sa.BigInteger, primary_key=True),
        sa.Column("row_count", sa.Integer, nullable=False),
        sa.Column("rows", JSONB, nullable=False),
        schema="stats",
    )
    op.create_index("recalculation_difference_user", "recalculation_difference", ["user_id"], schema="stats")
    # The function is there already.
    _, *triggers = guard_statements("stats", ["recalculation_difference"], verb="skip", then=SKIP)
    for trigger in triggers:
        op.execute(trigger)


def downgrade() -> None:
    for table in ("recalculation_difference", "recalculation_shard", "recalculation"):
        op.drop_table(table, schema="stats")
    for table in DERIVED:
        op.execute(f"DROP TRIGGER forget_digest ON stats.{table}")
        op.execute(f"DROP TRIGGER forget_digests ON stats.{table}")
    op.execute("DROP TRIGGER forget_digest ON stats.learner")
    for function in ("forget_digest", "forget_digests", "forget_own_digest"):
        op.execute(f"DROP FUNCTION stats.{function}()")
    op.drop_column("learner", "progress_digest", schema="stats")
    op.execute("ALTER TABLE stats.completion RESET (autovacuum_vacuum_insert_scale_factor)")
    op.drop_index("completion_canonical_order", table_name="completion", schema="stats")
    op.create_index(
        "completion_canonical_order", "completion", ["user_id", "end_time", "event_id"], schema="stats"
    )
