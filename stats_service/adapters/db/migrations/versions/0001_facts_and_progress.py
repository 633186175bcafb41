"""Facts, what is derived from them, and badge definitions."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import DATEMULTIRANGE

revision = "0001"
down_revision = None

INSTANT = sa.DateTime(timezone=True)


def _sums() -> list[sa.Column[int]]:
    names = ("session_count", "elapsed_seconds", "answer_count", "correct_answer_count")
    return [sa.Column(name, sa.BigInteger, nullable=False) for name in names]


def upgrade() -> None:
    _create_records()
    _create_badge_definition()
    _create_derived()


def _create_records() -> None:
    op.create_table(
        "completion",
        sa.Column("event_id", sa.Uuid, primary_key=True),
        sa.Column("user_id", sa.BigInteger, nullable=False),
        sa.Column("user_seq", sa.BigInteger, nullable=False),
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
        sa.Column("received_at", INSTANT, nullable=False, server_default=sa.func.now()),
        sa.UniqueConstraint("session_id"),
        sa.UniqueConstraint("user_id", "user_seq", name="completion_user_seq_key"),
        schema="stats",
    )
    op.create_index(
        "completion_canonical_order", "completion", ["user_id", "end_time", "event_id"], schema="stats"
    )
    op.create_table(
        "rejected_event",
        sa.Column("event_id", sa.Uuid, primary_key=True),
        sa.Column("payload_digest", sa.LargeBinary, primary_key=True),
        sa.Column("payload", sa.LargeBinary, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("rejected_at", INSTANT, nullable=False, server_default=sa.func.now()),
        schema="stats",
    )


def _create_badge_definition() -> None:
    op.create_table(
        "badge_definition",
        sa.Column("badge_id", sa.Text, primary_key=True),
        sa.Column("version", sa.Integer, primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("description", sa.Text, nullable=False),
        sa.Column("icon", sa.Text, nullable=False),
        sa.Column("product", sa.Text, nullable=False),
        sa.Column("metric", sa.Text, nullable=False),
        sa.Column("threshold", sa.BigInteger, sa.CheckConstraint("threshold > 0"), nullable=False),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.Column("replaced_at", INSTANT),
        schema="stats",
    )
    op.create_index(
        "badge_definition_newest",
        "badge_definition",
        ["badge_id"],
        unique=True,
        postgresql_where="replaced_at IS NULL",
        schema="stats",
    )
    op.create_index("badge_definition_revision", "badge_definition", ["revision"], schema="stats")


def _create_derived() -> None:
    op.create_table(
        "learner",
        sa.Column("user_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("time_zone", sa.Text, nullable=False, server_default="UTC"),
        sa.Column("rollover_hour", sa.Integer, nullable=False, server_default="0"),
        sa.Column("latest_end_time", INSTANT),
        sa.Column("latest_event_id", sa.Uuid),
        sa.Column("applied_through", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("book_revision", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("version", sa.BigInteger, nullable=False, server_default="0"),
        schema="stats",
    )
    op.create_index("learner_book_revision", "learner", ["book_revision", "user_id"], schema="stats")
    op.create_table(
        "daily_progress",
        sa.Column("user_id", sa.BigInteger, primary_key=True),
        sa.Column("product", sa.Text, primary_key=True),
        sa.Column("local_date", sa.Date, primary_key=True),
        *_sums(),
        schema="stats",
    )
    op.create_table(
        "standing",
        sa.Column("user_id", sa.BigInteger, primary_key=True),
        sa.Column("product", sa.Text, primary_key=True),
        *_sums(),
        sa.Column("runs", DATEMULTIRANGE, nullable=False),
        schema="stats",
    )
    op.create_table(
        "awarded_badge",
        sa.Column("user_id", sa.BigInteger, primary_key=True),
        sa.Column("badge_id", sa.Text, primary_key=True),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("event_id", sa.Uuid, nullable=False),
        sa.Column("session_id", sa.BigInteger, nullable=False),
        sa.Column("award_time", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(
            ["badge_id", "version"], ["stats.badge_definition.badge_id", "stats.badge_definition.version"]
        ),
        schema="stats",
    )


def downgrade() -> None:
    for table in (
        "awarded_badge",
        "standing",
        "daily_progress",
        "learner",
        "badge_definition",
        "rejected_event",
        "completion",
    ):
        op.drop_table(table, schema="stats")
