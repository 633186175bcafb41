"""Rules of streaks, conditions of badges, and progress that is derived as a whole."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0003"
down_revision = "0002"

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("completion", sa.Column("local_minute", sa.SmallInteger), schema="stats")
    op.execute(
        "UPDATE stats.completion"
        " SET local_minute = extract(hour FROM wall) * 60 + extract(minute FROM wall)"
        " FROM (SELECT event_id AS id, end_time AT TIME ZONE (CASE WHEN EXISTS (SELECT FROM pg_timezone_names"
        " WHERE name = time_zone) THEN time_zone ELSE 'UTC' END) AS wall FROM stats.completion) AS told"
        " WHERE told.id = event_id"
    )
    op.alter_column("completion", "local_minute", nullable=False, schema="stats")
    _change_derived()
    _change_badges()
    _create_entries()


def _change_derived() -> None:
    op.execute("DELETE FROM stats.daily_progress WHERE product = 'all'")
    op.drop_column("learner", "latest_event_id", schema="stats")
    op.alter_column("standing", "runs", new_column_name="days", schema="stats")
    op.add_column(
        "standing",
        sa.Column("frozen", ARRAY(sa.Date), nullable=False, server_default="{}"),
        schema="stats",
    )
    op.add_column("awarded_badge", sa.Column("user_seq", sa.BigInteger), schema="stats")
    op.execute(
        "UPDATE stats.awarded_badge AS award SET user_seq = fact.user_seq"
        " FROM stats.completion AS fact WHERE fact.event_id = award.event_id"
    )
    op.alter_column("awarded_badge", "user_seq", nullable=False, schema="stats")
    for name in ("event_id", "session_id", "award_time"):
        op.drop_column("awarded_badge", name, schema="stats")


def _change_badges() -> None:
    for column in (
        sa.Column("condition", sa.Text),
        sa.Column("first_day", sa.Date),
        sa.Column("last_day", sa.Date),
        sa.Column("hidden", sa.Boolean, nullable=False, server_default="false"),
        sa.Column(
            "state",
            sa.Text,
            sa.CheckConstraint("state IN ('inactive', 'active', 'locked')"),
            nullable=False,
            server_default="active",
        ),
    ):
        op.add_column("badge_definition", column, schema="stats")
    op.execute(
        "UPDATE stats.badge_definition SET condition ="
        " (CASE product WHEN 'all' THEN 'total' ELSE product END) || '.' || metric || ' >= ' || threshold"
    )
    op.alter_column("badge_definition", "condition", nullable=False, schema="stats")
    op.alter_column("badge_definition", "state", server_default=None, schema="stats")
    for name in ("metric", "threshold"):
        op.drop_column("badge_definition", name, schema="stats")


def _create_entries() -> None:
    op.create_table(
        "streak_entry",
        sa.Column("entry_id", sa.Uuid, primary_key=True),
        sa.Column("user_id", sa.BigInteger, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("product", sa.Text),
        sa.Column("first_day", sa.Date, nullable=False),
        sa.Column("last_day", sa.Date),
        sa.Column("weekdays", ARRAY(sa.SmallInteger)),
        sa.Column("pause_id", sa.Uuid),
        sa.Column("source", sa.Text),
        sa.Column("actor", sa.Text, nullable=False, server_default=""),
        sa.Column("reason", sa.Text, nullable=False, server_default=""),
        sa.Column("recorded_at", INSTANT, nullable=False, server_default=sa.func.clock_timestamp()),
        schema="stats",
    )
    op.create_index("streak_entry_user", "streak_entry", ["user_id", "recorded_at"], schema="stats")
    op.create_table(
        "freeze_ledger",
        sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
        sa.Column("user_id", sa.BigInteger, nullable=False),
        sa.Column("product", sa.Text, nullable=False),
        sa.Column("day", sa.Date, nullable=False),
        sa.Column("change", sa.Text, sa.CheckConstraint("change IN ('used', 'refunded')"), nullable=False),
        sa.Column("recorded_at", INSTANT, nullable=False, server_default=sa.func.clock_timestamp()),
        schema="stats",
    )
    op.create_index("freeze_ledger_user", "freeze_ledger", ["user_id", "product", "id"], schema="stats")


def downgrade() -> None:
    """Takes back the shape. Conditions are no thresholds: badges have to be loaded, and so awarded, again."""
    op.drop_table("freeze_ledger", schema="stats")
    op.drop_table("streak_entry", schema="stats")
    op.execute("DELETE FROM stats.awarded_badge")
    op.execute("DELETE FROM stats.badge_definition")
    for name in ("condition", "first_day", "last_day", "hidden", "state"):
        op.drop_column("badge_definition", name, schema="stats")
    for column in (
        sa.Column("metric", sa.Text, nullable=False),
        sa.Column("threshold", sa.BigInteger, sa.CheckConstraint("threshold > 0"), nullable=False),
    ):
        op.add_column("badge_definition", column, schema="stats")
    op.drop_column("awarded_badge", "user_seq", schema="stats")
    for former in (
        sa.Column("event_id", sa.Uuid, nullable=False),
        sa.Column("session_id", sa.BigInteger, nullable=False),
        sa.Column("award_time", INSTANT, nullable=False),
    ):
        op.add_column("awarded_badge", former, schema="stats")
    op.drop_column("standing", "frozen", schema="stats")
    op.alter_column("standing", "days", new_column_name="runs", schema="stats")
    op.add_column("learner", sa.Column("latest_event_id", sa.Uuid), schema="stats")
    op.drop_column("completion", "local_minute", schema="stats")
    # Everybody is derived anew.
    op.execute("UPDATE stats.learner SET book_revision = -1")
