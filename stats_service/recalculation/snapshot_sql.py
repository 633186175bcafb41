"""What a shard of learners is judged by, as of one moment and without locks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import psycopg
from sqlalchemy import Connection
from typing_extensions import override

from stats_service.adapters.db import badge_statements, text_codes
from stats_service.adapters.db import derived as derived_rows
from stats_service.adapters.db.fact_columns import (
    DAY_ZERO,
    MICROSECONDS_TO_2000,
    FactColumns,
    driver_of,
    ints,
    read_rows,
)
from stats_service.adapters.db.learner_store import CatalogueCache, read_learner_facts, texts_needed
from stats_service.application.ports.learners import Difference
from stats_service.domain import digest
from stats_service.domain.calendar_screening import NO_SIGN_UP, ChangeColumns, screen_calendar_changes
from stats_service.domain.derived import Derived
from stats_service.domain.digest import RowSet, digests
from stats_service.domain.facts import Facts, Ints, LearnerFacts
from stats_service.recalculation.ports import Digests, Evidence, Scope, Shard, ShardSnapshot

_PRODUCT, _BADGE = text_codes.products().expression, text_codes.badges().expression
_SUMS = ("session_count", "elapsed_seconds", "answer_count", "correct_answer_count")
_ORDER = "ORDER BY user_id"


class DerivedColumns:
    """Reads what digest.digests takes, on any connection; remembers which texts have which hashes."""

    def __init__(self) -> None:
        self._products = text_codes.products()
        self._badges = text_codes.badges()

    def read(self, driver: psycopg.Connection[Any], whose: str) -> Sequence[RowSet]:
        """Returns the stored rows of learners selected by a condition in SQL, as digest.kinds_of has them."""
        days = f"stats.daily_progress WHERE {whose}"
        standings = f"stats.standing WHERE {whose}"
        spans = f"stats.standing, unnest(days) AS span WHERE {whose}"
        frozen = f"stats.standing, unnest(frozen) AS day WHERE {whose}"
        awards = f"stats.awarded_badge WHERE {whose}"
        # A span without an end, which nobody derives, reads as one that is not there.
        return (
            self._rows(driver, self._products, days, _PRODUCT, days=["local_date"], numbers=_SUMS),
            self._rows(driver, self._products, standings, _PRODUCT, numbers=_SUMS),
            self._rows(driver, self._products, spans, _PRODUCT, days=["lower(span)", "upper(span) - 1"]),
            self._rows(driver, self._products, frozen, _PRODUCT, days=["day"]),
            self._rows(driver, self._badges, awards, _BADGE, numbers=["version", "user_seq"]),
        )

    def _rows(
        self,
        driver: psycopg.Connection[Any],
        codes: text_codes.Codes[str],
        source: str,
        code: str,
        *,
        days: Sequence[str] = (),
        numbers: Sequence[str] = (),
    ) -> RowSet:
        fields = ["int8send(user_id)", f"int8send({code})"]
        fields += [f"date_send({each})" for each in days]
        fields += [f"int8send({each})" for each in numbers]
        widths = [">i8", ">i8", *[">i4"] * len(days), *[">i8"] * len(numbers)]
        row = np.dtype([(f"c{place}", width) for place, width in enumerate(widths)])
        rows = read_rows(driver, " || ".join(fields), source, _ORDER, row)
        texts, text = codes.resolve(driver, source, rows["c1"])
        columns: list[Ints] = [digest.text_codes(texts)[text]]
        columns += [ints(rows[f"c{place}"]) + DAY_ZERO for place in range(2, 2 + len(days))]
        columns += [ints(rows[f"c{place}"]) for place in range(2 + len(days), len(widths))]
        return RowSet(ints(rows["c0"]), columns)


_CALENDAR = text_codes.calendars().expression
_CHANGES = np.dtype([("user", ">i8"), ("calendar", ">i8"), ("sign_up", ">i8")])
# No instant that PostgreSQL sends: it has its own for the infinite past.
_UNTOLD = -(2**63) + 1
_CHANGE_FIELDS = (
    f"int8send(user_id) || int8send({_CALENDAR})"
    f" || coalesce(timestamptz_send(sign_up_time), int8send({_UNTOLD}))"
)
_COUNTED = np.dtype([("user", ">i8"), ("completions", ">i8")])
_SAVED = np.dtype([("user", ">i8"), ("digest", ">i8")])


class Readers:
    """What a process keeps between snapshots: texts by hash, and the badge catalogue."""

    def __init__(self, catalogues: CatalogueCache) -> None:
        self.catalogues = catalogues
        self.facts = FactColumns()
        self.derived = DerivedColumns()
        self.calendars = text_codes.calendars()


class SqlShardSnapshot(ShardSnapshot):
    """What a shard is judged by, on a connection that sees one moment."""

    def __init__(self, connection: Connection, readers: Readers, shard: Shard) -> None:
        self._connection = connection
        self._readers = readers
        self._deep = shard.deep or shard.shadow
        self._whose = whose(shard)

    @override
    def unsaved(self) -> tuple[Sequence[int], Sequence[int]] | None:
        driver = driver_of(self._connection)
        saved = f"stats.learner WHERE {self._whose} AND progress_digest IS NOT NULL"
        if self._deep or driver.execute(_query(f"SELECT FROM {saved} LIMIT 1")).rowcount:
            return None
        # A learner of whom nothing was saved may have rows all the same, and no completions.
        counted = f"""
            SELECT user_id, sum(completions)::bigint AS completions FROM (
                SELECT user_id, count(*) AS completions FROM stats.completion WHERE {self._whose} GROUP BY 1
                UNION ALL SELECT user_id, 0 FROM stats.learner WHERE {self._whose}
            ) AS found GROUP BY 1
        """  # noqa: S608
        fields = "int8send(user_id) || int8send(completions)"
        rows = read_rows(driver, fields, f"({counted}) AS counted", _ORDER, _COUNTED)
        return ints(rows["user"]).tolist(), ints(rows["completions"]).tolist()

    @override
    def evidence(self) -> Evidence:
        driver = driver_of(self._connection)
        revision = self._connection.execute(badge_statements.catalogue_revision()).scalar_one()
        catalogue = self._readers.catalogues.read(self._connection, revision)
        facts = self._readers.facts.read(self._connection, self._whose, texts_needed(catalogue))
        saved, unknown = self._saved(driver)
        stored = digests(self._readers.derived.read(driver, self._whose)) if self._deep else None
        return Evidence(facts, self._learners(driver, facts), catalogue, saved, unknown, stored)

    @override
    def differences(self, user_ids: Sequence[int], derived: Derived) -> Sequence[Difference]:
        return derived_rows.differences(self._connection, user_ids, derived)

    def _learners(self, driver: psycopg.Connection[Any], facts: Facts) -> Mapping[int, LearnerFacts]:
        """Returns those whose other facts may matter; of most, a sign-up says what their completions say."""
        source = f"stats.calendar_change WHERE {self._whose}"
        rows = read_rows(driver, _CHANGE_FIELDS, source, "ORDER BY user_id", _CHANGES)
        calendars, calendar = self._readers.calendars.resolve(driver, source, rows["calendar"])
        sign_up = ints(rows["sign_up"])
        sign_up = np.where(sign_up == _UNTOLD, NO_SIGN_UP, sign_up + MICROSECONDS_TO_2000)
        users = screen_calendar_changes(
            facts, ChangeColumns(ints(rows["user"]), calendar, sign_up, calendars)
        ).tolist()
        entered = _users(driver, f"stats.streak_entry WHERE {self._whose}")
        return read_learner_facts(self._connection, sorted({*users, *entered}))

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
    """Returns the condition in SQL that a completion is one that selects its learner; empty for any."""
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
    query = _query(f"SELECT DISTINCT user_id FROM {source} ORDER BY user_id")  # noqa: S608
    return [user for (user,) in driver.execute(query)]


def _query(text: str) -> Any:
    # psycopg takes literal strings only; these are made of numbers and names of ours.
    return text
