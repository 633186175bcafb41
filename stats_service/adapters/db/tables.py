"""The tables of the schema `stats`.

`completion`, `calendar_change`, `streak_entry`, `badge_definition`,
`rejected_event`, `freeze_ledger` and those of leaderboards are records;
`learner`, `daily_progress`, `standing` and `awarded_badge` are derived from
them and hold nothing that a rebuild would not make again (except
`learner.version`, which counts the changes). Those of recalculations and
reconciliations are reports, deleted some time after their end.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Computed,
    Date,
    DateTime,
    Dialect,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    Interval,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    TypeDecorator,
    Uuid,
    func,
)
from sqlalchemy.dialects.postgresql import ARRAY, DATEMULTIRANGE, JSONB, Range
from sqlalchemy.dialects.postgresql.ranges import MultiRange

from service_kit.db.erasure import erased_user_table
from service_kit.db.idempotency import idempotency_table

Span = tuple[date, date]

metadata = MetaData(schema="stats")

_DAY = timedelta(days=1)


class Spans(TypeDecorator[tuple[Span, ...]]):
    """Spans of days, both ends included, as a datemultirange: PostgreSQL keeps them in order and apart."""

    impl = DATEMULTIRANGE
    cache_ok = True

    def process_bind_param(self, value: Sequence[Span] | None, _dialect: Dialect) -> Any:
        """Turns spans into ranges, whose upper ends are not included."""
        return MultiRange(Range(first, last + _DAY) for first, last in value or ())

    def process_result_value(self, value: Any | None, _dialect: Dialect) -> tuple[Span, ...]:
        """Turns ranges into spans."""
        ranges: Sequence[Range[date]] = value or ()
        return tuple((span.lower, span.upper - _DAY) for span in ranges if span.lower and span.upper)


def _instant(name: str, **options: Any) -> Column[Any]:
    return Column(name, DateTime(timezone=True), **options)


def _sum(name: str) -> Column[int]:
    return Column(name, BigInteger, nullable=False)


# As Completion.practised_seconds tells it.
PRACTISED_SECONDS = """
CASE WHEN implausible
THEN least(elapsed_seconds, greatest(0, floor(extract(epoch FROM end_time - start_time)))::bigint)
ELSE elapsed_seconds END
"""

completion = Table(
    "completion",
    metadata,
    Column("user_id", BigInteger, primary_key=True, autoincrement=False),
    Column("user_seq", BigInteger, primary_key=True, autoincrement=False),
    Column("event_id", Uuid, nullable=False, unique=True),
    Column("session_id", BigInteger, nullable=False, unique=True),
    Column("product", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("counts", Boolean, nullable=False),
    _instant("start_time", nullable=False),
    _instant("end_time", nullable=False),
    Column("time_zone", Text, nullable=False),
    Column("rollover_hour", Integer, nullable=False),
    Column("local_date", Date, nullable=False),
    Column("elapsed_seconds", BigInteger, nullable=False),
    Column("implausible", Boolean, nullable=False),
    Column("answer_count", Integer, nullable=False),
    Column("correct_answer_count", Integer, nullable=False),
    Column("content", Text, nullable=False),
    Column("mode", Text, nullable=False),
    # Made on a device; it may be from before the sign-up.
    Column("synced", Boolean, nullable=False),
    # The time that counts: no more than passed, where more was told than that.
    Column("practised_seconds", BigInteger, Computed(PRACTISED_SECONDS, persisted=True), nullable=False),
    # Minute of the wall clock's day at the end, as the zone database told it then.
    Column("local_minute", SmallInteger, nullable=False),
    _instant("received_at", nullable=False, server_default=func.now()),
    # With all that derive() reads, so that the table itself need not be.
    Index(
        "completion_canonical_order",
        *("user_id", "end_time", "event_id"),
        postgresql_include=[
            *("user_seq", "product", "counts", "practised_seconds", "local_date", "answer_count"),
            *("correct_answer_count", "local_minute", "time_zone", "rollover_hour", "outcome", "mode"),
            "synced",
        ],
    ),
    # Of what may be from before the sign-up.
    Index("completion_synced", "user_id", "local_date", postgresql_where="synced AND counts"),
)

calendar_change = Table(
    "calendar_change",
    metadata,
    Column("user_id", BigInteger, primary_key=True, autoincrement=False),
    Column("user_seq", BigInteger, primary_key=True, autoincrement=False),
    Column("event_id", Uuid, nullable=False, unique=True),
    _instant("effective_time", nullable=False),
    Column("time_zone", Text, nullable=False),
    Column("rollover_hour", Integer, nullable=False),
    _instant("sign_up_time"),
    _instant("received_at", nullable=False, server_default=func.now()),
    Index("calendar_change_in_force", "user_id", "effective_time"),
)

rejected_event = Table(
    "rejected_event",
    metadata,
    Column("event_id", Uuid, primary_key=True),
    # SHA-256 of the payload: the same event refused again makes no second row.
    Column("payload_digest", LargeBinary, primary_key=True),
    Column("payload", LargeBinary, nullable=False),
    # NULL when not even that could be read.
    Column("user_id", BigInteger, index=True),
    Column("reason", Text, nullable=False),
    _instant("rejected_at", nullable=False, server_default=func.now()),
)

learner = Table(
    "learner",
    metadata,
    Column("user_id", BigInteger, primary_key=True, autoincrement=False),
    Column("time_zone", Text, nullable=False, server_default="UTC"),
    Column("rollover_hour", Integer, nullable=False, server_default="0"),
    # Of the last completion, whose calendar this is.
    _instant("latest_end_time"),
    Column("applied_through", BigInteger, nullable=False, server_default="0"),
    Column("catalogue_revision", BigInteger, nullable=False, server_default="0"),
    Column("version", BigInteger, nullable=False, server_default="0"),
    # Of what is stored as this learner's progress; NULL when that was changed other than by saving.
    Column("progress_digest", BigInteger),
    Index("learner_catalogue_revision", "catalogue_revision", "user_id"),
)

daily_progress = Table(
    "daily_progress",
    metadata,
    Column("user_id", BigInteger, primary_key=True),
    Column("product", Text, primary_key=True),
    Column("local_date", Date, primary_key=True),
    _sum("session_count"),
    _sum("elapsed_seconds"),
    _sum("answer_count"),
    _sum("correct_answer_count"),
    # For boards, which read everybody's days of a span. No figure is in it: a day that grows leaves it alone.
    Index("daily_progress_day", "local_date"),
)

standing = Table(
    "standing",
    metadata,
    Column("user_id", BigInteger, primary_key=True),
    Column("product", Text, primary_key=True),
    _sum("session_count"),
    _sum("elapsed_seconds"),
    _sum("answer_count"),
    _sum("correct_answer_count"),
    # The days with practice, and those on which a freeze was used.
    Column("days", Spans, nullable=False),
    Column("frozen", ARRAY(Date), nullable=False, server_default="{}"),
)

badge_definition = Table(
    "badge_definition",
    metadata,
    Column("badge_id", Text, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("name", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("icon", Text, nullable=False),
    Column("product", Text, nullable=False),
    Column("condition", Text, nullable=False),
    Column("first_day", Date),
    Column("last_day", Date),
    Column("hidden", Boolean, nullable=False, server_default="false"),
    Column("state", Text, CheckConstraint("state IN ('inactive', 'active', 'locked')"), nullable=False),
    # One number for everything published together; the highest is the catalogue's.
    Column("revision", BigInteger, nullable=False),
    _instant("replaced_at"),
    Index("badge_definition_newest", "badge_id", unique=True, postgresql_where="replaced_at IS NULL"),
    Index("badge_definition_revision", "revision"),
)

awarded_badge = Table(
    "awarded_badge",
    metadata,
    Column("user_id", BigInteger, primary_key=True),
    Column("badge_id", Text, primary_key=True),
    Column("version", Integer, nullable=False),
    # The completion that earned it.
    Column("user_seq", BigInteger, nullable=False),
    ForeignKeyConstraint(["badge_id", "version"], [badge_definition.c.badge_id, badge_definition.c.version]),
)

# What keeps streaks over days without practice (domain/protection.py): never changed, never taken away.
streak_entry = Table(
    "streak_entry",
    metadata,
    Column("user_id", BigInteger, primary_key=True, autoincrement=False),
    Column("entry_id", Uuid, primary_key=True),
    Column("kind", Text, nullable=False),
    # The streak it is for; NULL for what keeps every streak of the learner.
    Column("product", Text),
    Column("first_day", Date, nullable=False),
    Column("last_day", Date),
    Column("weekdays", ARRAY(SmallInteger)),
    # The pause that a cancellation is of.
    Column("pause_id", Uuid),
    Column("source", Text),
    Column("actor", Text, nullable=False, server_default=""),
    Column("reason", Text, nullable=False, server_default=""),
    # Of a freeze: the limit in force when it was recorded.
    Column("held_at_most", SmallInteger),
    _instant("recorded_at", nullable=False, server_default=func.clock_timestamp()),
    Index("streak_entry_user", "user_id", "recorded_at"),
)

# What became of freezes, as it became known: an audit, not derived and not rebuilt.
freeze_ledger = Table(
    "freeze_ledger",
    metadata,
    Column("user_id", BigInteger, nullable=False),
    Column("id", BigInteger, Identity(always=True), nullable=False),
    Column("product", Text, nullable=False),
    Column("day", Date, nullable=False),
    Column("change", Text, CheckConstraint("change IN ('used', 'refunded')"), nullable=False),
    _instant("recorded_at", nullable=False, server_default=func.clock_timestamp()),
    PrimaryKeyConstraint("user_id", "product", "id"),
)

erased_user = erased_user_table(metadata)

idempotency = idempotency_table(metadata)

# How learners take part in leaderboards; whoever has said nothing has no row.
leaderboard_settings = Table(
    "leaderboard_settings",
    metadata,
    Column("user_id", BigInteger, primary_key=True, autoincrement=False),
    # Empty for the anonymous one.
    Column("alias", Text, nullable=False, server_default=""),
    # What is equal for names that look the same; NULL for the anonymous one.
    Column("alias_appearance", Text, unique=True),
    Column("opted_out", Boolean, nullable=False, server_default="false"),
)

# One row: what anonymous names and page tokens are made with. A new key gives everybody another name.
leaderboard_key = Table(
    "leaderboard_key",
    metadata,
    Column("sole", Boolean, CheckConstraint("sole"), primary_key=True, server_default="true"),
    Column("key", LargeBinary, nullable=False),
)

# Boards of periods that end by this date are final.
leaderboard_closing = Table(
    "leaderboard_closing",
    metadata,
    Column("period", Text, primary_key=True),
    Column("closed_through", Date),
)

# The scores of final boards; what `daily_progress` said when they closed.
leaderboard_entry = Table(
    "leaderboard_entry",
    metadata,
    Column("user_id", BigInteger, primary_key=True, autoincrement=False),
    Column("period", Text, primary_key=True),
    Column("first_day", Date, primary_key=True),
    Column("product", Text, primary_key=True),
    _sum("elapsed_seconds"),
    _sum("session_count"),
    # A board is read whole.
    Index("leaderboard_entry_board", "period", "first_day", "product", "user_id"),
)

# Jobs that derive learners' progress anew, and the shards of learners they fall into.
recalculation = Table(
    "recalculation",
    metadata,
    Column("job_id", Uuid, primary_key=True),
    Column("scope", JSONB, nullable=False),
    Column("shadow", Boolean, nullable=False),
    Column("deep", Boolean, nullable=False),
    _instant("created_at", nullable=False, server_default=func.clock_timestamp()),
    _instant("finished_at"),
    _instant("cancelled_at"),
    Index(
        "recalculation_open",
        "created_at",
        postgresql_where="finished_at IS NULL AND cancelled_at IS NULL",
    ),
)

recalculation_shard = Table(
    "recalculation_shard",
    metadata,
    Column("job_id", Uuid, ForeignKey(recalculation.c.job_id), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    # Both included.
    Column("first_user", BigInteger, nullable=False),
    Column("last_user", BigInteger, nullable=False),
    # About how many completions: the share of the work.
    Column("expected", BigInteger, nullable=False),
    Column(
        "state",
        Text,
        CheckConstraint("state IN ('pending', 'done', 'failed')"),
        nullable=False,
        server_default="pending",
    ),
    # Since the last one that made progress.
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("learners", BigInteger, nullable=False, server_default="0"),
    Column("completions", BigInteger, nullable=False, server_default="0"),
    Column("learners_wrong", BigInteger, nullable=False, server_default="0"),
    Column("changed_rows", BigInteger, nullable=False, server_default="0"),
    # By table, of a shadow.
    Column("differences", JSONB, nullable=False, server_default="{}"),
    Column("last_error", Text, nullable=False, server_default=""),
    _instant("sent_at"),
    _instant("started_at"),
    _instant("finished_at"),
)

# What a shadow found about learners: some of each shard.
recalculation_difference = Table(
    "recalculation_difference",
    metadata,
    Column("user_id", BigInteger, primary_key=True, autoincrement=False),
    Column("job_id", Uuid, ForeignKey(recalculation.c.job_id), primary_key=True),
    Column("row_count", Integer, nullable=False),
    Column("rows", JSONB, nullable=False),
    Index("recalculation_difference_job", "job_id", "user_id"),
)

# Comparisons with the session service, and the learners who differed.
reconciliation = Table(
    "reconciliation",
    metadata,
    Column("run_id", Uuid, primary_key=True),
    Column("whom", Text, CheckConstraint("whom IN ('recent', 'all', 'users')"), nullable=False),
    Column("user_ids", ARRAY(BigInteger), nullable=False, server_default="{}"),
    Column("deep", Boolean, nullable=False),
    # How long events are given to arrive.
    Column("settle", Interval, nullable=False, server_default="1 minute"),
    Column("on_demand", Boolean, nullable=False, server_default="false"),
    # The number of the learner to go on after.
    Column("position", BigInteger, nullable=False, server_default="0"),
    _instant("created_at", nullable=False, server_default=func.clock_timestamp()),
    _instant("finished_at"),
    Column("compared", BigInteger, nullable=False, server_default="0"),
    # Since it last got on.
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("last_error", Text, nullable=False, server_default=""),
    Index("reconciliation_newest", "created_at"),
)

reconciliation_learner = Table(
    "reconciliation_learner",
    metadata,
    Column("user_id", BigInteger, primary_key=True, autoincrement=False),
    Column("run_id", Uuid, ForeignKey(reconciliation.c.run_id, ondelete="CASCADE"), primary_key=True),
    # That were missing and were published again.
    Column("event_ids", ARRAY(Uuid), nullable=False),
    Column("refused", Integer, nullable=False),
    Column("corrected", Integer, nullable=False),
    Column("orphans", Integer, nullable=False),
    Column("progress_rows", Integer, nullable=False),
    _instant("found_at", nullable=False, server_default=func.clock_timestamp()),
    # When a later run saw that all of it was healed.
    _instant("whole_at"),
    Index("reconciliation_learner_run", "run_id", "user_id"),
    Index("reconciliation_learner_left", "run_id", postgresql_where="whole_at IS NULL"),
)
