"""Final boards as the worker writes them: synchronous, one transaction a period."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date

from sqlalchemy import Connection, Engine, bindparam, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert

from stats_service.adapters.db.leaderboards import closed_through
from stats_service.adapters.db.learner_store import faults_understood
from stats_service.adapters.db.tables import (
    daily_progress,
    erased_user,
    leaderboard_closing,
    leaderboard_entry,
)
from stats_service.application.ports.leaderboards import ClosingWork
from stats_service.domain.periods import Period, PeriodKind


class SqlClosingStore:
    """Implements ClosingStore."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @contextmanager
    def work_on(self, kind: PeriodKind) -> Iterator[ClosingWork]:
        """Implements ClosingStore.work_on."""
        with faults_understood(), self._engine.connect() as connection:
            connection.execute(insert(leaderboard_closing).values(period=kind).on_conflict_do_nothing())
            day = connection.execute(closed_through(kind).with_for_update()).scalar_one()
            yield SqlClosingWork(connection, day)

    def forget_erased(self) -> int:
        """Implements ClosingStore.forget_erased."""
        gone = delete(leaderboard_entry).where(leaderboard_entry.c.user_id == erased_user.c.user_id)
        with faults_understood(), self._engine.begin() as connection:
            return connection.execute(gone).rowcount


class SqlClosingWork:
    """Implements ClosingWork on a connection that holds the row of its kind."""

    def __init__(self, connection: Connection, day: date | None) -> None:
        self._connection = connection
        self._closed_through = day

    @property
    def closed_through(self) -> date | None:
        """Implements ClosingWork.closed_through."""
        return self._closed_through

    def first_practice_after(self, day: date | None) -> date | None:
        """Implements ClosingWork.first_practice_after."""
        first = select(func.min(daily_progress.c.local_date))
        if day is not None:
            first = first.where(daily_progress.c.local_date > day)
        found: date | None = self._connection.execute(first).scalar_one()
        return found

    def close(self, period: Period) -> None:
        """Implements ClosingWork.close."""
        # One statement: what is committed while it runs is in it as a whole or not at all.
        self._connection.execute(_KEEP, {"kind": period.kind, "first": period.first, "last": period.last})
        closing = update(leaderboard_closing).where(leaderboard_closing.c.period == period.kind)
        self._connection.execute(closing.values(closed_through=period.last))

    def commit(self) -> None:
        """Implements ClosingWork.commit."""
        self._connection.commit()


_KEEP = insert(leaderboard_entry).from_select(
    ["period", "first_day", "product", "user_id", "elapsed_seconds", "session_count"],
    select(
        bindparam("kind", type_=leaderboard_entry.c.period.type),
        bindparam("first", type_=leaderboard_entry.c.first_day.type),
        daily_progress.c.product,
        daily_progress.c.user_id,
        func.sum(daily_progress.c.elapsed_seconds),
        func.sum(daily_progress.c.session_count),
    )
    .where(
        daily_progress.c.local_date.between(
            bindparam("first", type_=leaderboard_entry.c.first_day.type),
            bindparam("last", type_=leaderboard_entry.c.first_day.type),
        )
    )
    .group_by(daily_progress.c.product, daily_progress.c.user_id),
)
