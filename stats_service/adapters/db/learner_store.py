"""Facts and progress as the worker writes them: synchronous, one transaction on one or more learners."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import namedtuple_row
from sqlalchemy import Connection, Engine, delete, insert
from sqlalchemy.exc import DataError, IntegrityError
from typing_extensions import override

from service_kit.db.faults import is_unavailable
from service_kit.errors import AccountErasedError, UnavailableError
from stats_service.adapters.db import badge_statements, fact_statements, rows, saving_statements
from stats_service.adapters.db import derived as derived_rows
from stats_service.adapters.db.fact_columns import FactColumns, driver_of
from stats_service.adapters.db.saving_statements import Sent
from stats_service.adapters.db.tables import calendar_change, completion
from stats_service.application.ports.badges import CompileCondition
from stats_service.application.ports.learners import LearnerStore, LearnerWork, RefusedError, Rejection
from stats_service.domain.badges import BadgeCatalogue
from stats_service.domain.calendar import CalendarChange
from stats_service.domain.completion import Completion
from stats_service.domain.derived import Derived
from stats_service.domain.facts import Facts, LearnerFacts

# So many take less time by a way that needs a round trip for each table.
MANY_ROWS = 500


@contextmanager
def faults_understood() -> Iterator[None]:
    """Turns the database's errors into those that the use cases know."""
    try:
        yield
    except Exception as error:
        if is_unavailable(error, lost=(psycopg.OperationalError, psycopg.InterfaceError)):
            raise UnavailableError("The database does not answer", part="database") from error
        if isinstance(error, DataError | psycopg.DataError):
            cause = error.orig if isinstance(error, DataError) else error
            raise RefusedError(f"the database cannot hold it: {cause}") from error
        raise


class CatalogueCache:
    """Reads the badge catalogue; keeps the one it read last."""

    def __init__(self, compile_condition: CompileCondition) -> None:
        self._compile = compile_condition
        self._catalogue = BadgeCatalogue()

    @property
    def last(self) -> BadgeCatalogue:
        """The catalogue that was read last."""
        return self._catalogue

    def read(self, connection: Connection, revision: int) -> BadgeCatalogue:
        """Returns the catalogue, which is held at a revision; the last one if that has it."""
        if revision != self._catalogue.revision:
            versions = connection.execute(badge_statements.every_version()).all()
            self._catalogue = BadgeCatalogue(
                revision, tuple(rows.versions_from_rows(versions, self._compile))
            )
        return self._catalogue


class SqlLearnerStore(LearnerStore):
    """Facts and progress in PostgreSQL."""

    def __init__(self, engine: Engine, compile_condition: CompileCondition) -> None:
        self._engine = engine
        self._single = engine.execution_options(isolation_level="AUTOCOMMIT")
        self._catalogues = CatalogueCache(compile_condition)
        self._columns = FactColumns()

    @contextmanager
    @override
    def work_on(self, user_ids: Collection[int], facts: Sequence[Completion] = ()) -> Iterator[LearnerWork]:
        # In order, so that two transactions never wait for each other.
        users = sorted(set(user_ids))
        # The driver asks by itself for a transaction, and waits for that alone: its work begins and ends one.
        with faults_understood(), self._single.connect() as connection:
            work = SqlLearnerWork(connection, users, self._catalogues, self._columns)
            work.begin(facts)
            yield work

    @override
    def session_counts(self, user_ids: Collection[int]) -> Mapping[int, int]:
        with faults_understood(), self._single.connect() as connection:
            counts = connection.execute(saving_statements.session_counts(), {"users": list(user_ids)})
            return {row.user_id: row.session_count for row in counts}

    @override
    def outdated(self, after_user_id: int, limit: int) -> Sequence[int]:
        with faults_understood(), self._engine.connect() as connection:
            return (
                connection.execute(badge_statements.outdated_learners(after_user_id, limit)).scalars().all()
            )

    @override
    def reject(self, rejections: Sequence[Rejection]) -> None:
        with faults_understood(), self._engine.begin() as connection:
            connection.execute(fact_statements.add_rejections(), rows.rejections_to_rows(rejections))


class SqlLearnerWork(LearnerWork):
    """A transaction on a connection that holds the learners' rows."""

    def __init__(
        self, connection: Connection, users: Sequence[int], catalogues: CatalogueCache, columns: FactColumns
    ) -> None:
        self._connection = connection
        self._users = users
        self._catalogues = catalogues
        self._catalogue = catalogues.last
        self._columns = columns
        self._outdated = self._unsaved = self._committed = False
        self._added: frozenset[UUID] = frozenset()
        self._facts: Facts | None = None
        self._learners: Mapping[int, LearnerFacts] = {}
        self._applied_through: Mapping[int, int] = {}

    def begin(self, facts: Sequence[Completion]) -> None:
        """Locks the learners and adds the facts. Raises AccountErasedError as `work_on` does.

        What follows from new facts is derived from all there are, which come with the same answer.
        """
        known = self._catalogue
        users = {"users": derived_rows.bigints(self._users)}
        held: list[Sent] = [
            (saving_statements.BEGIN, {}),
            (badge_statements.hold_catalogue(), {}),
            (saving_statements.make_learners_as_of_now(), {**users, "revision": None}),
        ]
        if facts:
            adding = (saving_statements.lock_and_add(), {**users, **rows.completions_to_columns(facts)})
            *_, revised, locked = self._read(*held, adding)
        else:
            locking = (saving_statements.lock_learners(), users)
            *_, revised, locked = saving_statements.run_together(self._connection, [*held, locking])
        ((revision,),), learners = revised.fetchall(), locked.fetchall()
        if not learners or (facts and len(learners) < len(self._users)):
            raise AccountErasedError
        self._catalogue = self._catalogues.read(self._connection, revision)
        if self._catalogue is not known:
            # It may ask facts for other texts than those that were read.
            self._facts = None
        self._users = [user_id for user_id, *_ in learners]
        # Without a digest it is not known what is stored: a part of it cannot be left alone.
        self._outdated = any(made_with != revision or digest is None for _, made_with, digest, *_ in learners)
        # Then there may be nothing.
        self._unsaved = all(digest is None for _, _, digest, *_ in learners)
        self._added = frozenset(event_id for _, _, _, *ids in learners for each in ids for event_id in each)

    @property
    @override
    def user_ids(self) -> Collection[int]:
        return frozenset(self._users)

    @property
    @override
    def outdated(self) -> bool:
        return self._outdated

    @property
    @override
    def added(self) -> Collection[UUID]:
        return self._added

    @override
    def add(self, facts: Sequence[Completion]) -> set[UUID]:
        (stored,) = self._read((_ADD_FACTS, rows.completions_to_columns(facts)))
        return {event_id for event_id, _ in stored}

    @override
    def find(self, event_ids: Collection[UUID]) -> Mapping[UUID, Completion]:
        if not event_ids:
            return {}
        found = self._connection.execute(fact_statements.facts_with(event_ids))
        return {fact.event_id: fact for fact in map(rows.completion_from_row, found)}

    @override
    def add_changes(self, changes: Sequence[CalendarChange]) -> set[UUID]:
        self._facts = None
        values = rows.calendar_changes_to_rows(changes)
        return set(self._connection.execute(fact_statements.add_calendar_changes(), values).scalars())

    @override
    def find_changes(self, event_ids: Collection[UUID]) -> Mapping[UUID, CalendarChange]:
        if not event_ids:
            return {}
        found = self._connection.execute(fact_statements.calendar_changes_with(event_ids))
        return {change.event_id: change for change in map(rows.calendar_change_from_row, found)}

    @override
    def correct(self, facts: Sequence[Completion], changes: Sequence[CalendarChange]) -> None:
        self._facts = None
        for table, values in (
            (completion, rows.completions_to_rows(facts)),
            (calendar_change, rows.calendar_changes_to_rows(changes)),
        ):
            if not values:
                continue
            stored = table.c.event_id.in_([each["event_id"] for each in values])
            self._connection.execute(delete(table).where(stored, table.c.user_id.in_(self._users)))
            try:
                self._connection.execute(insert(table), values)
            except IntegrityError as error:
                raise RefusedError(f"another fact is in the way: {error.orig}") from error

    @override
    def facts(self) -> Facts:
        if self._facts is None:
            self._read()
        assert self._facts is not None
        return self._facts

    @override
    def learners(self) -> Mapping[int, LearnerFacts]:
        self.facts()
        return self._learners

    def _read(self, *before: Sent) -> Sequence[psycopg.Cursor[Any]]:
        """Reads all facts, in one round trip with what is done `before`."""
        driver, users = driver_of(self._connection), {"users": derived_rows.bigints(self._users)}
        with saving_statements.together(driver):
            done = [saving_statements.send(driver, *each) for each in before]
            texts = texts_needed(self._catalogue)
            asked = self._columns.ask(driver, "user_id = ANY(%(users)s::bigint[])", texts, users)
            others = [saving_statements.send(driver, each, users) for each in _OTHER_FACTS]
        self._facts = self._columns.understand(asked)
        self._learners = _learner_facts(others)
        return done

    @override
    def catalogue(self) -> BadgeCatalogue:
        return self._catalogue

    @override
    def save(
        self,
        facts: Facts,
        derived: Derived,
        days: Collection[date] | None = None,
        *,
        commit: bool = False,
    ) -> int:
        before: list[Sent] = []
        # Grants are kept for ever: without any now, none was used by what was saved, if it is known.
        if derived.frozen or days is None:
            before.append(
                (saving_statements.audit_freezes(), saving_statements.freezes_of(self._users, derived))
            )
        learners = saving_statements.latest_of(self._users, facts, derived, self._catalogue.revision)
        whole = days is None
        if whole and self._unsaved and derived_rows.row_count(derived) >= MANY_ROWS:
            count = (derived_rows.STORED_ROWS, {"users": self._users})
            *_, stored = saving_statements.run_together(self._connection, [*before, count])
            if stored.fetchone() == (0,):
                written = derived_rows.copy(driver_of(self._connection), derived)
                alone = (saving_statements.save_learners(whole=whole, rows=False), learners)
                self._conclude([alone], commit=commit)
                return written
            before = []
        changes = {**derived_rows.values_of(self._users, derived, days), **learners}
        return self._conclude(
            [*before, (saving_statements.save_learners(whole=whole, rows=True), changes)], commit=commit
        )

    def _conclude(self, statements: Sequence[Sent], *, commit: bool) -> int:
        """Runs statements, the last of which saves learners' own rows; returns how many others it changed."""
        last: list[Sent] = [(saving_statements.COMMIT, {})] if commit else []
        done = saving_statements.run_together(self._connection, [*statements, *last])
        self._committed = commit
        learners = done[len(statements) - 1].fetchall()
        self._applied_through = {user_id: through for user_id, through, _ in learners}
        return learners[0][2] if learners else 0

    @property
    @override
    def applied_through(self) -> Mapping[int, int]:
        return self._applied_through

    @override
    def commit(self) -> None:
        if not self._committed:
            saving_statements.run_together(self._connection, [(saving_statements.COMMIT, {})])
            self._committed = True


def read_learner_facts(connection: Connection, users: Sequence[int]) -> Mapping[int, LearnerFacts]:
    """Returns the facts about learners other than their completions."""
    given = {"users": list(users)}
    return _learner_facts(
        saving_statements.run_together(connection, [(each, given) for each in _OTHER_FACTS])
    )


_ADD_FACTS = fact_statements.add_facts()
# Changes of calendar and entries.
_OTHER_FACTS = fact_statements.calendar_changes_of(None), fact_statements.entries_of(None)


def _learner_facts(answers: Sequence[psycopg.Cursor[Any]]) -> Mapping[int, LearnerFacts]:
    for each in answers:
        each.row_factory = namedtuple_row
    changes, entries = answers
    return rows.learner_facts_from_rows(changes.fetchall(), entries.fetchall())


def texts_needed(catalogue: BadgeCatalogue) -> frozenset[str]:
    """Returns the names of texts that the catalogue's conditions ask completions for."""
    return frozenset(
        name
        for version in catalogue.versions
        for scope, name in version.condition.variables
        if scope == "session"
    )
