"""The catalog's schema."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Double,
    ForeignKey,
    Identity,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from service_kit.db.erasure import erased_user_table
from service_kit.db.idempotency import idempotency_table

metadata = MetaData(schema="catalog")


def _updated_at() -> Column[Any]:
    return Column("updated_at", DateTime(timezone=True), nullable=False, server_default=func.now())


exercises = Table(
    "exercises",
    metadata,
    # Chosen by the author and never used again, so it is no identity column.
    Column("exercise_id", BigInteger, primary_key=True, autoincrement=False),
    Column("prompt", Text, nullable=False),
    Column("cue", Text, nullable=False),
    Column("instruction", Text, nullable=False),
    Column("language", Text, nullable=False),
    Column("difficulty", Text, nullable=False),
    Column("accepted_answers", ARRAY(Text), nullable=False),
    Column("explanation", Text, nullable=False),
    _updated_at(),
    Index("ix_exercises_difficulty", "difficulty", "exercise_id"),
)

activities = Table(
    "activities",
    metadata,
    Column("activity_id", BigInteger, primary_key=True, autoincrement=False),
    Column("title", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("language", Text, nullable=False),
    Column("translation_language", Text, nullable=False),
    _updated_at(),
)

words = Table(
    "words",
    metadata,
    Column("word_id", Text, primary_key=True),
    Column("activity_id", ForeignKey(activities.c.activity_id), nullable=False),
    # Where the word stands among those of its activity.
    Column("position", Integer, nullable=False),
    Column("word", Text, nullable=False),
    Column("translations", ARRAY(Text), nullable=False),
    Column("difficulties", ARRAY(Text), nullable=False),
    # Since when its activity is without it. Sessions of before may still hold it.
    Column("withdrawn_at", DateTime(timezone=True)),
    Index("ix_words_listed", "activity_id", "position", postgresql_where=text("withdrawn_at IS NULL")),
)

sequences = Table(
    "sequences",
    metadata,
    Column("sequence_id", BigInteger, primary_key=True, autoincrement=False),
    Column("title", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("difficulty", Text, nullable=False),
    # A list of objects with the fields of a pose.
    Column("poses", JSONB, nullable=False),
    _updated_at(),
)

achievements = Table(
    "achievements",
    metadata,
    Column("achievement_id", Text, primary_key=True),
    Column("product", Text, nullable=False, index=True),
    Column("type", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("metric", Text, nullable=False),
    Column("threshold", Double, nullable=False),
    _updated_at(),
)

problems = Table(
    "problems",
    metadata,
    Column("problem_id", BigInteger, Identity(always=True), primary_key=True),
    # Names a problem among the shipped ones; users' own have none.
    Column("shipped_key", Text),
    Column("owner_id", BigInteger, nullable=False),
    Column("owner_email", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("difficulty", Text, nullable=False),
    Column("categories", ARRAY(Text), nullable=False),
    Column("estimated_time", Text, nullable=False),
    Column("requirements", ARRAY(Text), nullable=False),
    Column("constraints", ARRAY(Text), nullable=False),
    Column("hints", ARRAY(Text), nullable=False),
    # Title and description as searches compare them, and their grams; see domain/search.py.
    Column("searched", Text, nullable=False),
    Column("grams", ARRAY(Text), nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    _updated_at(),
    UniqueConstraint("shipped_key", name="uq_problems_shipped_key"),
    Index("ix_problems_owner", "owner_id", "problem_id"),
    # Searched more often than written: new grams go into the index at once, not onto a list beside it.
    Index("ix_problems_grams", "grams", postgresql_using="gin", postgresql_with={"fastupdate": "off"}),
)

idempotency = idempotency_table(metadata)
erased_user = erased_user_table(metadata)
