"""Facts and progress as the worker writes them: synchronous, one transaction a person."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Engine, Row
from sqlalchemy.exc import DataError

from service_kit.db.faults import is_unavailable
from service_kit.errors import UnavailableError
from stats_service.adapters.db import rows, statements
from stats_service.application.ports import LearnerWork, RefusedError, Rejection
from stats_service.domain.badges import BadgeBook
from stats_service.domain.calendar import Calendar, CalendarChange
from stats_service.domain.completion import Completion
from stats_service.domain.progress import DayKey, Progress


@contextmanager
def _faults_understood() -> Iterator[None]:
    """Turns the database's errors into those that the use cases know."""
    try:
        yield
    except Exception as error:
        if is_unavailable(error):
            raise UnavailableError("The database does not answer", part="database") from error
        if isinstance(error, DataError):
            raise RefusedError(f"the database cannot hold it: {error.orig}") from error
        raise


class SqlLearnerStore:
    """Implements LearnerStore. Keeps the badge book it read last."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._book = BadgeBook()

    @contextmanager
    def work_on(self, user_id: int) -> Iterator[LearnerWork]:
        """Implements LearnerStore.work_on."""
        with _faults_understood(), self._engine.connect() as connection:
            connection.execute(statements.hold_book())
            self._refresh_book(connection)
            connection.execute(statements.make_learner(user_id, self._book.revision))
            learner = connection.execute(statements.lock_learner(user_id)).one()
            yield SqlLearnerWork(connection, learner, self._book)

    def outdated(self, after_user_id: int, limit: int) -> Sequence[int]:
        """Implements LearnerStore.outdated."""
        with _faults_understood(), self._engine.connect() as connection:
            return connection.execute(statements.outdated_learners(after_user_id, limit)).scalars().all()

    def reject(self, rejections: Sequence[Rejection]) -> None:
        """Implements LearnerStore.reject."""
        with _faults_understood(), self._engine.begin() as connection:
            connection.execute(statements.add_rejections(), rows.from_rejections(rejections))

    def _refresh_book(self, connection: Connection) -> None:
        revision = connection.execute(statements.book_revision()).scalar_one()
        if revision != self._book.revision:
            versions = connection.execute(statements.every_version()).all()
            self._book = BadgeBook(revision, tuple(map(rows.to_version, versions)))


class SqlLearnerWork:
    """Implements LearnerWork on a connection that holds the person's row."""

    def __init__(self, connection: Connection, learner: Row[Any], book: BadgeBook) -> None:
        self._connection = connection
        self._learner = learner
        self._book = book

    @property
    def book_revision(self) -> int:
        """Implements LearnerWork.book_revision."""
        return int(self._learner.book_revision)

    def add(self, facts: Sequence[Completion]) -> set[UUID]:
        """Implements LearnerWork.add."""
        return set(self._connection.execute(statements.add_facts(), rows.from_completions(facts)).scalars())

    def find(self, event_ids: Collection[UUID]) -> Mapping[UUID, Completion]:
        """Implements LearnerWork.find."""
        if not event_ids:
            return {}
        found = self._connection.execute(statements.facts_with(event_ids))
        return {fact.event_id: fact for fact in map(rows.to_completion, found)}

    def facts(self) -> Sequence[Completion]:
        """Implements LearnerWork.facts."""
        return [
            rows.to_completion(row)
            for row in self._connection.execute(statements.facts_of(self._learner.user_id))
        ]

    def book(self) -> BadgeBook:
        """Implements LearnerWork.book."""
        return self._book

    def progress(self, days: Collection[DayKey] | None = None) -> Progress:
        """Implements LearnerWork.progress."""
        learner, execute = self._learner, self._connection.execute
        standings = execute(statements.standings_of(learner.user_id)).all()
        known = learner.latest_event_id is not None
        return Progress(
            days=rows.to_days(execute(statements.days_of(learner.user_id, days)).all()),
            standings={row.product: rows.to_standing(row) for row in standings},
            awards=rows.to_awards(execute(statements.awards_of(learner.user_id)).all()),
            calendar=Calendar(learner.time_zone, learner.rollover_hour),
            latest=(learner.latest_end_time, learner.latest_event_id) if known else None,
        )

    def save(self, before: Progress, after: Progress, book_revision: int) -> None:
        """Implements LearnerWork.save."""
        user_id = self._learner.user_id
        for kind, was, now in (
            (rows.DAYS, before.days, after.days),
            (rows.STANDINGS, before.standings, after.standings),
            (rows.AWARDS, before.awards, after.awards),
        ):
            changed, gone = rows.differences(kind, user_id, was, now)
            if changed:
                self._connection.execute(statements.upsert(kind.table), changed)
            if gone:
                self._connection.execute(statements.remove(kind.table, gone))
        self._connection.execute(statements.save_learner(user_id, after, book_revision))

    def add_changes(self, changes: Sequence[CalendarChange]) -> set[UUID]:
        """Implements LearnerWork.add_changes."""
        values = rows.from_calendar_changes(changes)
        return set(self._connection.execute(statements.add_calendar_changes(), values).scalars())

    def find_changes(self, event_ids: Collection[UUID]) -> Mapping[UUID, CalendarChange]:
        """Implements LearnerWork.find_changes."""
        if not event_ids:
            return {}
        found = self._connection.execute(statements.calendar_changes_with(event_ids))
        return {change.event_id: change for change in map(rows.to_calendar_change, found)}

    def advance(self) -> None:
        """Implements LearnerWork.advance."""
        self._connection.execute(statements.advance_learner(self._learner.user_id))

    def commit(self) -> None:
        """Implements LearnerWork.commit."""
        self._connection.commit()
