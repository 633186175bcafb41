"""What a shard of people is judged by, as of one moment and without locks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import psycopg
from sqlalchemy import Connection

from stats_service.adapters.db import derived as derived_rows
from stats_service.adapters.db import text_codes
from stats_service.adapters.db.derived_columns import DerivedColumns
from stats_service.adapters.db.fact_columns import (
    MICROSECONDS_TO_2000,
    FactColumns,
    driver_of,
    ints,
    read_rows,
)
from stats_service.adapters.db.learner_store import Books, read_people, texts_needed
from stats_service.application.ports.learners import Difference
from stats_service.application.ports.recalculation import Digests, Evidence, Scope, Shard
from stats_service.domain.derived import Derived
from stats_service.domain.digest import digests
from stats_service.domain.facts import Facts, Ints
from stats_service.domain.person import Person
from stats_service.domain.telling import NO_SIGN_UP, ChangeColumns, telling

_CALENDAR = text_codes.calendars().expression
_CHANGES = np.dtype([("user", ">i8"), ("calendar", ">i8"), ("sign_up", ">i8")])
# No instant that PostgreSQL sends: it has its own for the infinite past.
_UNTOLD = -(2**63) + 1
_CHANGE_FIELDS = (
    f"int8send(user_id) || int8send({_CALENDAR})"
    f" || coalesce(timestamptz_send(sign_up_time), int8send({_UNTOLD}))"
)
_SAVED = np.dtype([("user", ">i8"), ("digest", ">i8")])


class Readers:
    """What a process keeps between snapshots: texts by hash, and the badge book."""

    def __init__(self, books: Books) -> None:
        self.books = books
        self.facts = FactColumns()
        self.derived = DerivedColumns()
        self.calendars = text_codes.calendars()


class SqlShardSnapshot:
    """Implements ShardSnapshot on a connection that sees one moment."""

    def __init__(self, connection: Connection, readers: Readers, shard: Shard) -> None:
        self._connection = connection
        self._readers = readers
        self._deep = shard.deep or shard.shadow
        self._whose = whose(shard)

    def evidence(self) -> Evidence:
        """Implements ShardSnapshot.evidence."""
        driver = driver_of(self._connection)
        book = self._readers.books.read(self._connection)
        facts = self._readers.facts.read(self._connection, self._whose, texts_needed(book))
        saved, unknown = self._saved(driver)
        stored = digests(self._readers.derived.read(driver, self._whose)) if self._deep else None
        return Evidence(facts, self._people(driver, facts), book, saved, unknown, stored)

    def differences(self, user_ids: Sequence[int], derived: Derived) -> Sequence[Difference]:
        """Implements ShardSnapshot.differences."""
        return derived_rows.differences(self._connection, user_ids, derived)

    def _people(self, driver: psycopg.Connection[Any], facts: Facts) -> Mapping[int, Person]:
        """Returns those whose other facts may matter; of most, a sign-up says what their completions say."""
        source = f"stats.calendar_change WHERE {self._whose}"
        rows = read_rows(driver, _CHANGE_FIELDS, source, "ORDER BY user_id", _CHANGES)
        calendars, calendar = self._readers.calendars.resolve(driver, source, rows["calendar"])
        sign_up = ints(rows["sign_up"])
        sign_up = np.where(sign_up == _UNTOLD, NO_SIGN_UP, sign_up + MICROSECONDS_TO_2000)
        users = telling(facts, ChangeColumns(ints(rows["user"]), calendar, sign_up, calendars)).tolist()
        entered = _users(driver, f"stats.streak_entry WHERE {self._whose}")
        return read_people(self._connection, sorted({*users, *entered}))

    def _saved(self, driver: psycopg.Connection[Any]) -> tuple[Digests, Ints]:
        source = f"stats.learner WHERE {self._whose} AND progress_digest IS NOT NULL"
        fields = "int8send(user_id) || int8send(progress_digest)"
        rows = read_rows(driver, fields, source, "ORDER BY user_id", _SAVED)
        unknown = _users(driver, f"stats.learner WHERE {self._whose} AND progress_digest IS NULL")
        return (ints(rows["user"]), ints(rows["digest"])), np.array(unknown, np.int64)


def whose(shard: Shard) -> str:
    """Returns the condition in SQL, on `user_id`, that somebody is of a shard."""
    parts = [f"user_id BETWEEN {shard.first_user} AND {shard.last_user}"]
    if shard.scope.user_ids:
        parts.append(f"user_id IN ({', '.join(map(str, shard.scope.user_ids))})")
    facts = facts_where(shard.scope)
    if facts:
        chosen = f"SELECT user_id FROM stats.completion WHERE {parts[0]} AND {facts}"  # noqa: S608
        parts.append(f"user_id IN ({chosen})")
    return " AND ".join(parts)


def facts_where(scope: Scope) -> str:
    """Returns the condition in SQL that a completion is one that selects its person; empty for any."""
    parts = []
    if scope.product:
        # As a literal: names of products are known ones, and quotes are doubled all the same.
        parts.append("product = '" + scope.product.replace("'", "''") + "'")
    if scope.first_day:
        parts.append(f"local_date >= date '{scope.first_day.isoformat()}'")
    if scope.last_day:
        parts.append(f"local_date <= date '{scope.last_day.isoformat()}'")
    return " AND ".join(parts)


def _users(driver: psycopg.Connection[Any], source: str) -> Sequence[int]:
    # psycopg takes literal strings only; these are made of numbers and names of ours.
    query: Any = f"SELECT DISTINCT user_id FROM {source} ORDER BY user_id"  # noqa: S608
    return [user for (user,) in driver.execute(query)]
