"""Facts and progress as the worker writes them: synchronous, one transaction on one or more people."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from uuid import UUID

from sqlalchemy import Connection, Engine, delete, insert
from sqlalchemy.exc import DataError, IntegrityError

from service_kit.db.faults import is_unavailable
from service_kit.errors import AccountErasedError, UnavailableError
from stats_service.adapters.db import badge_statements, fact_statements, rows, saving_statements
from stats_service.adapters.db import derived as derived_rows
from stats_service.adapters.db.fact_columns import FactColumns
from stats_service.adapters.db.tables import calendar_change, completion
from stats_service.application.ports.learners import LearnerWork, RefusedError, Rejection
from stats_service.application.ports.surroundings import CompileCondition
from stats_service.domain.badges import BadgeBook
from stats_service.domain.calendar import CalendarChange
from stats_service.domain.completion import Completion
from stats_service.domain.derived import Derived
from stats_service.domain.facts import Facts
from stats_service.domain.person import Person


@contextmanager
def faults_understood() -> Iterator[None]:
    """Turns the database's errors into those that the use cases know."""
    try:
        yield
    except Exception as error:
        if is_unavailable(error):
            raise UnavailableError("The database does not answer", part="database") from error
        if isinstance(error, DataError):
            raise RefusedError(f"the database cannot hold it: {error.orig}") from error
        raise


class Books:
    """Reads the badge book; keeps the one it read last."""

    def __init__(self, compile_condition: CompileCondition) -> None:
        self._compile = compile_condition
        self._book = BadgeBook()

    def read(self, connection: Connection) -> BadgeBook:
        """Returns the book as of now."""
        revision = connection.execute(badge_statements.book_revision()).scalar_one()
        if revision != self._book.revision:
            versions = connection.execute(badge_statements.every_version()).all()
            self._book = BadgeBook(revision, tuple(rows.to_versions(versions, self._compile)))
        return self._book


class SqlLearnerStore:
    """Implements LearnerStore."""

    def __init__(self, engine: Engine, compile_condition: CompileCondition) -> None:
        self._engine = engine
        self._books = Books(compile_condition)
        self._columns = FactColumns()

    @contextmanager
    def work_on(self, user_ids: Collection[int]) -> Iterator[LearnerWork]:
        """Implements LearnerStore.work_on."""
        # In order, so that two transactions never wait for each other.
        users = sorted(set(user_ids))
        with faults_understood(), self._engine.connect() as connection:
            connection.execute(badge_statements.hold_book())
            book = self._books.read(connection)
            connection.execute(saving_statements.make_learners(users, book.revision))
            learners = connection.execute(saving_statements.lock_learners(users)).all()
            if not learners:
                raise AccountErasedError
            # Without a digest it is not known what is stored: a part of it cannot be left alone.
            outdated = any(
                learner.book_revision != book.revision or learner.progress_digest is None
                for learner in learners
            )
            there = [learner.user_id for learner in learners]
            yield SqlLearnerWork(connection, there, book, outdated, self._columns)

    def outdated(self, after_user_id: int, limit: int) -> Sequence[int]:
        """Implements LearnerStore.outdated."""
        with faults_understood(), self._engine.connect() as connection:
            return (
                connection.execute(badge_statements.outdated_learners(after_user_id, limit)).scalars().all()
            )

    def reject(self, rejections: Sequence[Rejection]) -> None:
        """Implements LearnerStore.reject."""
        with faults_understood(), self._engine.begin() as connection:
            connection.execute(fact_statements.add_rejections(), rows.from_rejections(rejections))


class SqlLearnerWork:
    """Implements LearnerWork on a connection that holds the people's rows."""

    def __init__(
        self,
        connection: Connection,
        users: Sequence[int],
        book: BadgeBook,
        outdated: bool,
        columns: FactColumns,
    ) -> None:
        self._connection = connection
        self._users = users
        self._book = book
        self._outdated = outdated
        self._columns = columns

    @property
    def outdated(self) -> bool:
        """Implements LearnerWork.outdated."""
        return self._outdated

    def add(self, facts: Sequence[Completion]) -> set[UUID]:
        """Implements LearnerWork.add."""
        return set(
            self._connection.execute(fact_statements.add_facts(), rows.from_completions(facts)).scalars()
        )

    def find(self, event_ids: Collection[UUID]) -> Mapping[UUID, Completion]:
        """Implements LearnerWork.find."""
        if not event_ids:
            return {}
        found = self._connection.execute(fact_statements.facts_with(event_ids))
        return {fact.event_id: fact for fact in map(rows.to_completion, found)}

    def add_changes(self, changes: Sequence[CalendarChange]) -> set[UUID]:
        """Implements LearnerWork.add_changes."""
        values = rows.from_calendar_changes(changes)
        return set(self._connection.execute(fact_statements.add_calendar_changes(), values).scalars())

    def find_changes(self, event_ids: Collection[UUID]) -> Mapping[UUID, CalendarChange]:
        """Implements LearnerWork.find_changes."""
        if not event_ids:
            return {}
        found = self._connection.execute(fact_statements.calendar_changes_with(event_ids))
        return {change.event_id: change for change in map(rows.to_calendar_change, found)}

    def correct(self, facts: Sequence[Completion], changes: Sequence[CalendarChange]) -> None:
        """Implements LearnerWork.correct."""
        for table, values in (
            (completion, rows.from_completions(facts)),
            (calendar_change, rows.from_calendar_changes(changes)),
        ):
            if not values:
                continue
            stored = table.c.event_id.in_([each["event_id"] for each in values])
            self._connection.execute(delete(table).where(stored, table.c.user_id.in_(self._users)))
            try:
                self._connection.execute(insert(table), values)
            except IntegrityError as error:
                raise RefusedError(f"another fact is in the way: {error.orig}") from error

    def facts(self) -> Facts:
        """Implements LearnerWork.facts."""
        whose = f"user_id IN ({', '.join(map(str, self._users))})"
        return self._columns.read(self._connection, whose, texts_needed(self._book))

    def people(self) -> Mapping[int, Person]:
        """Implements LearnerWork.people."""
        return read_people(self._connection, self._users)

    def book(self) -> BadgeBook:
        """Implements LearnerWork.book."""
        return self._book

    def save(self, facts: Facts, derived: Derived, days: Collection[date] | None = None) -> int:
        """Implements LearnerWork.save."""
        self._connection.execute(
            saving_statements.audit_freezes(), saving_statements.freezes_of(self._users, derived)
        )
        changed = derived_rows.save(self._connection, self._users, derived, days)
        self._connection.execute(
            saving_statements.save_learners(whole=days is None),
            saving_statements.latest_of(self._users, facts, derived, self._book.revision),
        )
        return changed

    def commit(self) -> None:
        """Implements LearnerWork.commit."""
        self._connection.commit()


def read_people(connection: Connection, users: Sequence[int]) -> Mapping[int, Person]:
    """Returns the facts about people other than their completions."""
    changes = connection.execute(fact_statements.calendar_changes_of(users)).all()
    entries = connection.execute(fact_statements.entries_of(users)).all()
    return rows.to_people(changes, entries)


def texts_needed(book: BadgeBook) -> frozenset[str]:
    """Returns the names of texts that the book's conditions ask completions for."""
    return frozenset(
        name for version in book.versions for scope, name in version.condition.variables if scope == "session"
    )
