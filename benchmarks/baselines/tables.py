"""The baseline's tables, with the columns and indexes that its requests need; makes them when it is run."""

from __future__ import annotations

import os
from datetime import date, datetime

from sqlalchemy import BigInteger, DateTime, ForeignKey, Index, Text, create_engine, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    """All of them."""


class PracticeSession(Base):
    """A session of practice."""

    __tablename__ = "practice_session"

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    user_id: Mapped[int] = mapped_column(BigInteger)
    session_type: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text, default="active")
    started_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    ended_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    local_date: Mapped[date | None]
    elapsed_seconds: Mapped[int] = mapped_column(default=0)
    total_exercises: Mapped[int] = mapped_column(default=0)
    correct_answers: Mapped[int] = mapped_column(default=0)
    updated_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    __table_args__ = (Index("practice_session_of_user", "user_id", text("id DESC")),)


class Answer(Base):
    """An answer in a session."""

    __tablename__ = "answer"

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    session_id: Mapped[int] = mapped_column(ForeignKey(PracticeSession.id), index=True)
    exercise_id: Mapped[int]
    user_answer: Mapped[str] = mapped_column(Text)
    time_taken: Mapped[float | None]
    correct: Mapped[bool]
    answered_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


class Diagram(Base):
    """The diagram of a session, as it was saved last."""

    __tablename__ = "diagram"

    session_id: Mapped[int] = mapped_column(ForeignKey(PracticeSession.id), primary_key=True)
    content: Mapped[str] = mapped_column(Text)
    time_spent: Mapped[int]
    saved_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


class Progress(Base):
    """A learner's totals and streak."""

    __tablename__ = "progress"

    user_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    session_count: Mapped[int] = mapped_column(default=0)
    elapsed_seconds: Mapped[int] = mapped_column(BigInteger, default=0)
    total_exercises: Mapped[int] = mapped_column(default=0)
    correct_answers: Mapped[int] = mapped_column(default=0)
    current_streak: Mapped[int] = mapped_column(default=0)
    best_streak: Mapped[int] = mapped_column(default=0)
    last_day: Mapped[date | None]


class DailyProgress(Base):
    """What a learner did on a day."""

    __tablename__ = "daily_progress"

    user_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    day: Mapped[date] = mapped_column(primary_key=True)
    session_count: Mapped[int] = mapped_column(default=0)
    elapsed_seconds: Mapped[int] = mapped_column(default=0)


def main() -> None:
    """Makes the tables."""
    url = os.environ["BASELINE_DATABASE_URL"].replace("postgresql://", "postgresql+psycopg://", 1)
    engine = create_engine(url)
    Base.metadata.create_all(engine)
    engine.dispose()


if __name__ == "__main__":
    main()
