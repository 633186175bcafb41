"""Writes what was derived, for one learner or hundreds: set by set, and only what differs.

Each derived table gets its new rows as arrays. The database compares them with
what it has, so an unchanged row is not written, and tells how many were.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from sqlalchemy import Connection, Table, TextClause, text
from sqlalchemy.dialects import postgresql

from stats_service.adapters.db import tables
from stats_service.application.ports.learners import Difference
from stats_service.domain.completion import ALL_PRODUCTS
from stats_service.domain.derived import EVERYTHING, Derived, Sums
from stats_service.domain.facts import Ints

Columns = Mapping[str, Sequence[Any]]

_DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]


def _type_of(column: Any) -> str:
    return str(column.type.compile(dialect=_DIALECT))


def _carrier(kind: str) -> str:
    return "text" if kind.endswith("[]") or kind.startswith("DATEMULTI") else kind


class _Kind:
    """A derived table and its statements, made once. Rows of other learners are never touched."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self.upsert = self._upsert()
        self.remove = self._remove()
        self.differences = self._differences()

    def _given(self) -> str:
        """The new rows, from one array a column. Ranges and arrays travel as text."""
        types = [(column.name, _type_of(column)) for column in self.table.c]
        arrays = ", ".join(f"cast(:{name} AS {_carrier(kind)}[])" for name, kind in types)
        names = ", ".join(name for name, _ in types)
        casts = ", ".join(f"{name}::{kind} AS {name}" for name, kind in types)
        return f"(SELECT {casts} FROM unnest({arrays}) AS row ({names})) AS given"  # noqa: S608

    @property
    def _names(self) -> str:
        return ", ".join(column.name for column in self.table.c)

    @property
    def _key(self) -> str:
        return ", ".join(column.name for column in self.table.primary_key)

    @property
    def _rest(self) -> list[str]:
        return [column.name for column in self.table.c if not column.primary_key]

    def _upsert(self) -> TextClause:
        """Writes rows, in place of those with the same key, unless they are the same."""
        updates = ", ".join(f"{name} = excluded.{name}" for name in self._rest)
        old = ", ".join(f"stored.{name}" for name in self._rest)
        new = ", ".join(f"excluded.{name}" for name in self._rest)
        return text(
            f"INSERT INTO {self.table} AS stored ({self._names}) SELECT {self._names} FROM {self._given()}"  # noqa: S608
            f" ON CONFLICT ({self._key}) DO UPDATE SET {updates} WHERE ({old}) IS DISTINCT FROM ({new})"
        )

    def _remove(self) -> TextClause:
        """Deletes the rows of some learners that are not among the new ones."""
        same = " AND ".join(
            f"given.{column.name} = stored.{column.name}" for column in self.table.primary_key
        )
        return text(
            f"DELETE FROM {self.table} AS stored WHERE stored.user_id = ANY(:users)"  # noqa: S608
            f" AND NOT EXISTS (SELECT FROM {self._given()} WHERE {same})"
        )

    def _differences(self) -> TextClause:
        """Returns the rows of some learners that are stored and those that should be, where they differ."""
        return text(
            f"SELECT coalesce(stored.user_id, given.user_id) AS user_id, to_jsonb(stored) AS stored,"  # noqa: S608
            f" to_jsonb(given) AS derived FROM (SELECT {self._names} FROM {self.table}"
            f" WHERE user_id = ANY(:users)) AS stored FULL JOIN {self._given()} USING ({self._key})"
            f" WHERE stored IS DISTINCT FROM given ORDER BY {self._key}"
        )


_DAYS, _STANDINGS, _AWARDS = (
    _Kind(table) for table in (tables.daily_progress, tables.standing, tables.awarded_badge)
)


def changes(
    users: Sequence[int], derived: Derived, days: Iterable[date] | None
) -> Iterator[tuple[TextClause, Columns]]:
    """Yields what makes the stored rows of some learners the derived ones, with its values.

    With `days`, only those are looked at: the caller knows that no other can
    have changed.
    """
    daily = _daily_columns(derived, None if days is None else frozenset(days))
    # Awards hold badge versions in place, standings nothing: the order is for readers of the log.
    for kind, columns in (
        (_DAYS, daily),
        (_STANDINGS, _standing_columns(derived)),
        (_AWARDS, _award_columns(derived)),
    ):
        yield kind.upsert, columns
        if kind is not _DAYS or days is None:
            yield kind.remove, {**columns, "users": list(users)}


def differences(connection: Connection, users: Sequence[int], derived: Derived) -> Sequence[Difference]:
    """Returns what `changes` would change. Changes nothing."""
    return [
        Difference(row.user_id, kind.table.name, row.stored, row.derived)
        for kind, columns in (
            (_DAYS, _daily_columns(derived, None)),
            (_STANDINGS, _standing_columns(derived)),
            (_AWARDS, _award_columns(derived)),
        )
        for row in connection.execute(kind.differences, {**columns, "users": list(users)})
    ]


def _daily_columns(derived: Derived, wanted: frozenset[date] | None) -> Columns:
    days = derived.days
    products, dates = _names(days.product, derived.products), _dates(days.day)
    columns = {"user_id": days.user.tolist(), "product": products, "local_date": dates, **_sums(days.sums)}
    if wanted is None:
        return columns
    chosen = [place for place, day in enumerate(dates) if day in wanted]
    return {name: [column[place] for place in chosen] for name, column in columns.items()}


def _standing_columns(derived: Derived) -> Columns:
    standings, runs = derived.standings, derived.runs
    spans: dict[tuple[int, int], list[str]] = {}
    for user, product, first, last in zip(
        runs.user.tolist(), runs.product.tolist(), _dates(runs.first), _dates(runs.last), strict=True
    ):
        spans.setdefault((user, product), []).append(f"[{first},{last}]")
    names = _names(standings.product, derived.products)
    keys = zip(standings.user.tolist(), standings.product.tolist(), strict=True)
    return {
        "user_id": standings.user.tolist(),
        "product": names,
        **_sums(standings.sums),
        "days": [f"{{{','.join(spans[key])}}}" for key in keys],
        "frozen": [
            f"{{{','.join(map(str, derived.frozen.get(key, ())))}}}"
            for key in zip(standings.user.tolist(), names, strict=True)
        ],
    }


def _award_columns(derived: Derived) -> Columns:
    awards = derived.awards
    return {
        "user_id": awards.user.tolist(),
        "badge_id": [awards.badge_ids[number] for number in awards.badge.tolist()],
        "version": awards.version.tolist(),
        "user_seq": awards.seq.tolist(),
    }


def _sums(sums: Sums) -> dict[str, Sequence[int]]:
    return {
        "session_count": sums.sessions.tolist(),
        "elapsed_seconds": sums.seconds.tolist(),
        "answer_count": sums.answers.tolist(),
        "correct_answer_count": sums.correct.tolist(),
    }


def _names(numbers: Ints, products: Sequence[str]) -> Sequence[str]:
    return [ALL_PRODUCTS if number == EVERYTHING else products[number] for number in numbers.tolist()]


def _dates(ordinals: Ints) -> Sequence[date]:
    return [date.fromordinal(ordinal) for ordinal in ordinals.tolist()]
