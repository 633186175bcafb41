"""The tables of the `session` schema.

Whatever is a learner's begins its keys with `user_id` (docs/adr/0048): all of one
learner lies together, and can be moved, exported or erased by that column alone.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    Float,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from service_kit.db.erasure import erased_user_table
from service_kit.db.idempotency import idempotency_table
from service_kit.db.outbox import outbox_table

metadata = MetaData(
    schema="session",
    naming_convention={
        "pk": "%(table_name)s_pkey",
        "uq": "%(table_name)s_%(column_0_N_name)s_key",
        "ix": "%(table_name)s_%(column_0_N_name)s_idx",
        "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
    },
)

# How products behave: a row for each version of each product, the newest in force. Rows are never changed.
product_version = Table(
    "product_version",
    metadata,
    Column("product", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("policy", JSONB, nullable=False),
    Column("published_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    # From when on nothing can be started; NULL while it can.
    Column("retired_at", DateTime(timezone=True)),
    PrimaryKeyConstraint("product", "version"),
)


def _user_id() -> Column[int]:
    """Returns the column that begins the keys of whatever is a learner's."""
    return Column("user_id", BigInteger, nullable=False)


def _number() -> Column[int]:
    """Returns a column with numbers that no other row has, nor one of another cell."""
    # SQLAlchemy tells by it which of many inserted rows came back.
    return Column("id", BigInteger, Identity(always=True), nullable=False, insert_sentinel=True)


def _session_id() -> Column[int]:
    return Column("session_id", BigInteger, nullable=False)


def _of_session() -> ForeignKeyConstraint:
    """Returns the key of the session that a row belongs to."""
    return ForeignKeyConstraint(
        ["user_id", "session_id"], ["session.practice_session.user_id", "session.practice_session.id"]
    )


practice_session = Table(
    "practice_session",
    metadata,
    _user_id(),
    _number(),
    Column("product", Text, nullable=False),
    # The version of the product's row that the session began with, and goes on by.
    Column("policy_version", Integer, nullable=False),
    Column("mode", Text, nullable=False),
    Column("content", Text, nullable=False),
    Column("state", Text, nullable=False),
    # What no two open sessions of a user may share; NULL where any number may.
    Column("open_slot", Text),
    Column("planned_seconds", Integer),
    Column("elapsed_seconds", Integer, nullable=False),
    Column("implausible", Boolean, nullable=False),
    Column("started_at", DateTime(timezone=True), nullable=False),
    Column("active_since", DateTime(timezone=True)),
    Column("ended_at", DateTime(timezone=True)),
    # The zone, rollover hour and local day are frozen when the session ends.
    Column("time_zone", Text, nullable=False),
    Column("rollover_hour", SmallInteger, nullable=False),
    Column("local_date", Date),
    Column("answer_count", Integer, nullable=False),
    Column("correct_answer_count", Integer, nullable=False),
    Column("draft_hash", Text, nullable=False),
    Column("draft_saved_at", DateTime(timezone=True)),
    Column("message_count", Integer, nullable=False),
    # What is practised, as it was called at the start.
    Column("content_title", Text, nullable=False),
    Column("content_type", Text, nullable=False),
    # A part of the public ids of what has them, kept for when it is gone.
    Column("content_created_at", DateTime(timezone=True)),
    Column("settings", JSONB, nullable=False),
    Column("item_count", Integer, nullable=False),
    Column("answered_item_count", Integer, nullable=False),
    Column("mastered_item_count", Integer, nullable=False),
    Column("right_run", Integer, nullable=False),
    Column("note", Text, nullable=False),
    # How much the conversation takes as JSON.
    Column("message_bytes", Integer, nullable=False),
    # Made on a device; it arrived when it was over.
    Column("synced", Boolean, nullable=False),
    Column("user_seq", BigInteger, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("updated_at", DateTime(timezone=True), nullable=False),
    PrimaryKeyConstraint("user_id", "id"),
    # Of those alone that have one: the planner took it for a way to any session of a user by its key.
    Index(
        "practice_session_open_slot",
        "user_id",
        "open_slot",
        unique=True,
        postgresql_where=text("open_slot IS NOT NULL"),
    ),
    Index("practice_session_listing", "user_id", "product", text("id DESC")),
    # For those who know the number and not whose it is.
    Index("practice_session_number", "id"),
    # What is open is little; what has ended grows for years.
    Index(
        "practice_session_open",
        "user_id",
        "product",
        text("id DESC"),
        postgresql_where=text("ended_at IS NULL"),
    ),
    # How much is said in all: few sessions have a conversation.
    Index(
        "practice_session_conversations",
        "user_id",
        postgresql_include=["message_bytes"],
        postgresql_where=text("message_bytes > 0"),
    ),
    # Who practised of late.
    Index("practice_session_ended_at", "ended_at", postgresql_where=text("ended_at IS NOT NULL")),
)

# How many sessions a learner has in a product: triggers of `practice_session` keep it, nobody counts.
session_total = Table(
    "session_total",
    metadata,
    _user_id(),
    Column("product", Text, nullable=False),
    Column("started", BigInteger, nullable=False),
    Column("ended", BigInteger, nullable=False),
    Column("completed", BigInteger, nullable=False),
    # Over the completed ones.
    Column("completed_seconds", BigInteger, nullable=False),
    PrimaryKeyConstraint("user_id", "product"),
)

answer = Table(
    "answer",
    metadata,
    _user_id(),
    _session_id(),
    Column("position", Integer, nullable=False),
    Column("answer_id", Text, nullable=False),
    Column("item", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("time_taken", Float),
    Column("correct", Boolean, nullable=False),
    Column("correct_answer", Text, nullable=False),
    Column("feedback", Text, nullable=False),
    Column("answered_at", DateTime(timezone=True), nullable=False),
    PrimaryKeyConstraint("user_id", "session_id", "position"),
    UniqueConstraint("user_id", "session_id", "answer_id"),
    _of_session(),
)

session_item = Table(
    "session_item",
    metadata,
    _user_id(),
    _session_id(),
    Column("position", Integer, nullable=False),
    Column("item", Text, nullable=False),
    Column("prompt", Text, nullable=False),
    Column("correct_answer", Text, nullable=False),
    Column("attempt_count", Integer, nullable=False),
    Column("correct_attempt_count", Integer, nullable=False),
    PrimaryKeyConstraint("user_id", "session_id", "position"),
    UniqueConstraint("user_id", "session_id", "item"),
    _of_session(),
)

# One row for each version of a session from the second on.
journal = Table(
    "journal",
    metadata,
    _user_id(),
    _session_id(),
    Column("sequence", BigInteger, nullable=False),
    Column("change", Text, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("state", Text, nullable=False),
    Column("answer_count", Integer, nullable=False),
    Column("correct_answer_count", Integer, nullable=False),
    Column("elapsed_seconds", Integer, nullable=False),
    Column("item_count", Integer, nullable=False),
    Column("answered_item_count", Integer, nullable=False),
    Column("mastered_item_count", Integer, nullable=False),
    Column("right_run", Integer, nullable=False),
    PrimaryKeyConstraint("user_id", "session_id", "sequence"),
    _of_session(),
    # What is forgotten after a while; whatever is in it will be.
    Index("journal_ended", "at", postgresql_where=text("state NOT IN ('active', 'paused')")),
)

draft = Table(
    "draft",
    metadata,
    _user_id(),
    _session_id(),
    # TEXT, not JSONB: a draft comes back exactly as it was sent.
    Column("content", Text, nullable=False),
    Column("content_hash", Text, nullable=False),
    # Tells whether a text is the stored one, unread. NULL where it was stored before there were digests.
    Column("text_digest", LargeBinary),
    PrimaryKeyConstraint("user_id", "session_id"),
    _of_session(),
)

message = Table(
    "message",
    metadata,
    _user_id(),
    _session_id(),
    Column("position", Integer, nullable=False),
    Column("role", Text, nullable=False),
    Column("content", Text, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    PrimaryKeyConstraint("user_id", "session_id", "position"),
    _of_session(),
)

submission = Table(
    "submission",
    metadata,
    _user_id(),
    _number(),
    Column("content", Text, nullable=False),
    Column("content_created_at", DateTime(timezone=True)),
    Column("session_id", BigInteger),
    # TEXT, not JSONB: a document comes back exactly as it was sent.
    Column("document", Text, nullable=False),
    Column("score", SmallInteger, nullable=False),
    Column("elapsed_seconds", Integer, nullable=False),
    Column("status", Text, nullable=False),
    Column("feedback", JSONB, nullable=False),
    Column("submitted_at", DateTime(timezone=True), nullable=False),
    Column("updated_at", DateTime(timezone=True), nullable=False),
    Column("version", BigInteger, nullable=False),
    PrimaryKeyConstraint("user_id", "id"),
    # A session is handed in once.
    UniqueConstraint("user_id", "session_id"),
    _of_session(),
    # As of sessions.
    Index("submission_number", "id"),
    Index("submission_of_content", "user_id", "content", text("id DESC")),
)

submission_message = Table(
    "submission_message",
    metadata,
    _user_id(),
    Column("submission_id", BigInteger, nullable=False),
    Column("position", Integer, nullable=False),
    Column("role", Text, nullable=False),
    Column("content", Text, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    PrimaryKeyConstraint("user_id", "submission_id", "position"),
    ForeignKeyConstraint(
        ["user_id", "submission_id"], [submission.c.user_id, submission.c.id], ondelete="CASCADE"
    ),
)

learner = Table(
    "learner",
    metadata,
    Column("user_id", BigInteger, primary_key=True, autoincrement=False),
    Column("last_seq", BigInteger, nullable=False, server_default=text("0")),
    Column("time_zone", Text, nullable=False, server_default=text("'UTC'")),
    Column("rollover_hour", SmallInteger, nullable=False, server_default=text("0")),
    Column("signed_up_at", DateTime(timezone=True)),
)

# Which calendar was in force from when on.
learner_calendar = Table(
    "learner_calendar",
    metadata,
    _user_id(),
    Column("user_seq", BigInteger, nullable=False),
    _number(),
    Column("effective_at", DateTime(timezone=True), nullable=False),
    Column("time_zone", Text, nullable=False),
    Column("rollover_hour", SmallInteger, nullable=False),
    Column("signed_up_at", DateTime(timezone=True)),
    PrimaryKeyConstraint("user_id", "user_seq"),
    # Everybody's are exported by it.
    Index("learner_calendar_number", "id"),
    Index("learner_calendar_history", "user_id", text("effective_at DESC")),
)

# What devices made offline, by the ids that they gave.
synced_item = Table(
    "synced_item",
    metadata,
    _user_id(),
    Column("client_id", Uuid, nullable=False),
    # Of what the item said: a repeat says the same, a conflict something else.
    Column("digest", LargeBinary, nullable=False),
    _session_id(),
    Column("refused_answers", JSONB, nullable=False),
    Column("merged_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    PrimaryKeyConstraint("user_id", "client_id"),
    # A deleted session is looked for here.
    Index("synced_item_session", "user_id", "session_id"),
    _of_session(),
)

idempotency = idempotency_table(metadata)
outbox = outbox_table(metadata)
erased_user = erased_user_table(metadata)
