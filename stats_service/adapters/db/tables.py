"""The tables of the schema `stats`.

`completion`, `calendar_change`, `badge_definition` and `rejected_event` are
records; `learner`,
`daily_progress`, `standing` and `awarded_badge` are derived from them and hold
nothing that a rebuild would not make again (but `learner.version`, which
counts the changes).
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
    Date,
    DateTime,
    Dialect,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    Uuid,
    func,
)
from sqlalchemy.dialects.postgresql import DATEMULTIRANGE, Range
from sqlalchemy.dialects.postgresql.ranges import MultiRange

from stats_service.domain.streaks import Run

metadata = MetaData(schema="stats")

_DAY = timedelta(days=1)


class Runs(TypeDecorator[tuple[Run, ...]]):
    """Runs of days as a datemultirange, which PostgreSQL keeps in order and apart by itself."""

    impl = DATEMULTIRANGE
    cache_ok = True

    def process_bind_param(self, value: Sequence[Run] | None, _dialect: Dialect) -> Any:
        """Turns runs, whose ends are included, into ranges, whose upper ends are not."""
        return MultiRange(Range(run.first, run.last + _DAY) for run in value or ())

    def process_result_value(self, value: Any | None, _dialect: Dialect) -> tuple[Run, ...]:
        """Turns ranges into runs."""
        ranges: Sequence[Range[date]] = value or ()
        return tuple(Run(span.lower, span.upper - _DAY) for span in ranges if span.lower and span.upper)


def _instant(name: str, **options: Any) -> Column[Any]:
    return Column(name, DateTime(timezone=True), **options)


def _sum(name: str) -> Column[int]:
    return Column(name, BigInteger, nullable=False)


completion = Table(
    "completion",
    metadata,
    Column("event_id", Uuid, primary_key=True),
    Column("user_id", BigInteger, nullable=False),
    Column("user_seq", BigInteger, nullable=False),
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
    _instant("received_at", nullable=False, server_default=func.now()),
    UniqueConstraint("user_id", "user_seq", name="completion_user_seq_key"),
    Index("completion_canonical_order", "user_id", "end_time", "event_id"),
)

calendar_change = Table(
    "calendar_change",
    metadata,
    Column("event_id", Uuid, primary_key=True),
    Column("user_id", BigInteger, nullable=False),
    Column("user_seq", BigInteger, nullable=False),
    _instant("effective_time", nullable=False),
    Column("time_zone", Text, nullable=False),
    Column("rollover_hour", Integer, nullable=False),
    _instant("sign_up_time"),
    _instant("received_at", nullable=False, server_default=func.now()),
    UniqueConstraint("user_id", "user_seq", name="calendar_change_user_seq_key"),
    Index("calendar_change_in_force", "user_id", "effective_time"),
)

rejected_event = Table(
    "rejected_event",
    metadata,
    Column("event_id", Uuid, primary_key=True),
    # SHA-256 of the payload: the same event refused again makes no second row.
    Column("payload_digest", LargeBinary, primary_key=True),
    Column("payload", LargeBinary, nullable=False),
    Column("reason", Text, nullable=False),
    _instant("rejected_at", nullable=False, server_default=func.now()),
)

learner = Table(
    "learner",
    metadata,
    Column("user_id", BigInteger, primary_key=True, autoincrement=False),
    Column("time_zone", Text, nullable=False, server_default="UTC"),
    Column("rollover_hour", Integer, nullable=False, server_default="0"),
    # The last fact in canonical order; later facts are folded onto what is stored.
    _instant("latest_end_time"),
    Column("latest_event_id", Uuid),
    Column("applied_through", BigInteger, nullable=False, server_default="0"),
    Column("book_revision", BigInteger, nullable=False, server_default="0"),
    Column("version", BigInteger, nullable=False, server_default="0"),
    Index("learner_book_revision", "book_revision", "user_id"),
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
    Column("runs", Runs, nullable=False),
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
    Column("metric", Text, nullable=False),
    Column("threshold", BigInteger, CheckConstraint("threshold > 0"), nullable=False),
    # One number for everything published together; the highest is the book's.
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
    Column("event_id", Uuid, nullable=False),
    Column("session_id", BigInteger, nullable=False),
    _instant("award_time", nullable=False),
    ForeignKeyConstraint(["badge_id", "version"], [badge_definition.c.badge_id, badge_definition.c.version]),
)
