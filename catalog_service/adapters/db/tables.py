"""The catalog's schema."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, DateTime, Index, MetaData, Table, Text, func
from sqlalchemy.dialects.postgresql import ARRAY

metadata = MetaData(schema="catalog")

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
    Column("updated_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Index("ix_exercises_difficulty", "difficulty", "exercise_id"),
)
