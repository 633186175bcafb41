"""Writes what was derived, for one learner or hundreds: set by set, and only what differs.

Each derived table gets its new rows as arrays. The database compares them with
what it has, so an unchanged row is not written, and tells how many were. Arrays
travel as the database has them in memory: of a rebuild, writing them value by
value as text took more time than everything else together.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import chain
from operator import attrgetter
from typing import Any, cast

import numpy as np
import psycopg
from psycopg.adapt import Dumper
from psycopg.pq import Format
from sqlalchemy import CTE, Connection, Integer, Table, TextClause, column, text
from sqlalchemy.dialects import postgresql

from stats_service.adapters.db import tables
from stats_service.adapters.db.fact_columns import DAY_ZERO
from stats_service.application.ports.learners import Difference
from stats_service.domain.completion import ALL_PRODUCTS
from stats_service.domain.derived import EVERYTHING, Derived, Runs, Sums
from stats_service.domain.facts import Ints, starts_of

_DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]


@dataclass(frozen=True, slots=True)
class Array:
    """An array in PostgreSQL's binary format."""

    data: bytes


Columns = Mapping[str, Array]


class _ArrayDumper(Dumper):
    """Hands an array over as it is."""

    format = Format.BINARY

    def dump(self, obj: Array) -> bytes:
        """Returns the bytes."""
        return obj.data


psycopg.adapters.register_dumper(Array, _ArrayDumper)


@cache
def _type_of(column: Any) -> str:
    return str(column.type.compile(dialect=_DIALECT))


def _carrier(kind: str) -> str:
    return "text" if kind.endswith("[]") or kind.startswith("DATEMULTI") else kind


class _Kind:
    """A derived table and its statements, made once. Rows of other learners are never touched.

    Their values are named by table and column: several are parts of one statement.
    """

    def __init__(self, table: Table) -> None:
        self.table = table
        self.upsert = self._part("written", self._upsert())
        self.remove = self._part("gone", self._remove())
        self.differences = self._differences()
        # Of an EXISTS, the planner hopes that a walk through the table finds one soon.
        self.count = f"(SELECT count(*) FROM {table} WHERE user_id = ANY(:users))"  # noqa: S608
        self.copy = f"COPY {table} ({self._names}) FROM STDIN (FORMAT binary)"

    def _given(self) -> str:
        """The new rows, from one array a column. Ranges and arrays travel as text."""
        types = [(column.name, _type_of(column)) for column in self.table.c]
        arrays = ", ".join(f"cast(:{self.table.name}_{name} AS {_carrier(kind)}[])" for name, kind in types)
        names = ", ".join(name for name, _ in types)
        casts = ", ".join(f"{name}::{kind} AS {name}" for name, kind in types)
        return f"(SELECT {casts} FROM unnest({arrays}) AS row ({names})) AS given"  # noqa: S608

    def named(self, columns: Columns) -> Columns:
        """Returns columns by the names that their values have in statements."""
        return {f"{self.table.name}_{name}": array for name, array in columns.items()}

    def _part(self, what: str, sql: str) -> CTE:
        """Makes of a statement a part of another one, with a row for each that it changes."""
        return text(f"{sql} RETURNING 1").columns(column("one", Integer)).cte(f"{what}_{self.table.name}")

    @property
    def _names(self) -> str:
        return ", ".join(column.name for column in self.table.c)

    @property
    def _key(self) -> str:
        return ", ".join(column.name for column in self.table.primary_key)

    @property
    def _rest(self) -> list[str]:
        return [column.name for column in self.table.c if not column.primary_key]

    def _upsert(self) -> str:
        """Writes rows, in place of those with the same key, unless they are the same."""
        updates = ", ".join(f"{name} = excluded.{name}" for name in self._rest)
        old = ", ".join(f"stored.{name}" for name in self._rest)
        new = ", ".join(f"excluded.{name}" for name in self._rest)
        return (
            f"INSERT INTO {self.table} AS stored ({self._names}) SELECT {self._names} FROM {self._given()}"  # noqa: S608
            f" ON CONFLICT ({self._key}) DO UPDATE SET {updates} WHERE ({old}) IS DISTINCT FROM ({new})"
        )

    def _remove(self) -> str:
        """Deletes the rows of some learners that are not among the new ones."""
        same = " AND ".join(
            f"given.{column.name} = stored.{column.name}" for column in self.table.primary_key
        )
        return (
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


# How many derived rows some learners have.
STORED_ROWS = text(f"SELECT {' + '.join(kind.count for kind in (_DAYS, _STANDINGS, _AWARDS))}")


def row_count(derived: Derived) -> int:
    """Returns how many rows there are of what was derived."""
    return len(derived.days.user) + len(derived.standings.user) + len(derived.awards.user)


def copy(driver: psycopg.Connection[Any], derived: Derived) -> int:
    """Writes what was derived for learners who have no derived row yet; returns how many rows there are.

    Rows that come by COPY go to their page together; those of a statement look for one with their key
    each. Fails where there is one.
    """
    for kind, rows in (
        (_DAYS, _day_rows(derived)),
        (_STANDINGS, _standing_rows(derived)),
        (_AWARDS, _award_rows(derived)),
    ):
        with driver.cursor() as cursor, cursor.copy(cast("Any", kind.copy)) as copying:
            copying.write(b"".join([_COPY_BEGINS, *chain.from_iterable(rows), _COPY_ENDS]))
    return row_count(derived)


# What a copy begins and ends with.
_COPY_BEGINS, _COPY_ENDS = b"PGCOPY\n\xff\r\n\0" + bytes(8), b"\xff\xff"


def _day_rows(derived: Derived) -> Iterator[tuple[bytes, ...]]:
    """Returns the parts of each row as COPY takes them, in the order of columns."""
    days = derived.days
    names = _elements([*derived.products, ALL_PRODUCTS], days.product)
    after = _fields((">i4", days.day - DAY_ZERO), *_sum_fields(days.sums))
    return zip(_fields((">i8", days.user), columns=7), names, after, strict=True)


def _standing_rows(derived: Derived) -> Iterator[tuple[bytes, ...]]:
    standings = derived.standings
    names = _elements([*derived.products, ALL_PRODUCTS], standings.product)
    users = _fields((">i8", standings.user), columns=8)
    none = _sized(_dates(np.array([], np.int64)).data)
    frozen = [
        _sized(_dates(np.array([day.toordinal() for day in days])).data) if days else none
        for days in _frozen(derived)
    ]
    return zip(
        users, names, _fields(*_sum_fields(standings.sums)), _multiranges(derived.runs), frozen, strict=True
    )


def _award_rows(derived: Derived) -> Iterator[tuple[bytes, ...]]:
    awards = derived.awards
    after = _fields((">i4", awards.version), (">i8", awards.seq))
    return zip(
        _fields((">i8", awards.user), columns=4),
        _elements(awards.badge_ids, awards.badge),
        after,
        strict=True,
    )


def _sum_fields(sums: Sums) -> Iterator[tuple[str, Ints]]:
    return ((">i8", each) for each in (sums.sessions, sums.seconds, sums.answers, sums.correct))


def _fields(*fields: tuple[str, Ints], columns: int = 0) -> Sequence[bytes]:
    """Returns neighbouring fields of each row, with their sizes, after the number of `columns` if any."""
    parts = [("columns", ">i2")] if columns else []
    for place, (width, _) in enumerate(fields):
        parts += [(f"size{place}", ">i4"), (f"value{place}", width)]
    rows = np.empty(len(fields[0][1]), parts)
    if columns:
        rows["columns"] = columns
    for place, (width, values) in enumerate(fields):
        rows[f"size{place}"] = np.dtype(width).itemsize
        rows[f"value{place}"] = values
    found: list[bytes] = rows.view(f"V{rows.dtype.itemsize}").tolist()
    return found


# The bounds that PostgreSQL gives a range of days: the first one is in it, the last one is not.
_FIRST_IN_IT = 2


def _multiranges(runs: Runs) -> Sequence[bytes]:
    """Returns the runs of each standing, in the order of standings, which is theirs, as a multirange."""
    kinds = [("size", ">i4"), ("flags", "i1"), *((name, ">i4") for name in ("wide", "first", "high", "end"))]
    spans = np.empty(len(runs.first), kinds)
    spans["size"], spans["flags"] = spans.dtype.itemsize - 4, _FIRST_IN_IT
    spans["wide"] = spans["high"] = 4
    spans["first"], spans["end"] = runs.first - DAY_ZERO, runs.last + 1 - DAY_ZERO
    width, packed = spans.dtype.itemsize, spans.tobytes()
    return [
        struct.pack(">ii", 4 + (stop - start) * width, stop - start) + packed[start * width : stop * width]
        for start, stop in _parts(runs)
    ]


def changing(*, whole: bool) -> Sequence[CTE]:
    """Returns the parts of a statement that make the stored rows of some learners the derived ones.

    Unless the learners are looked at as a `whole`, only some days are: the caller knows that no other
    can have changed, and that facts were added alone, which takes no day and no standing away. It can
    take an award away: facts that come late go before others. A row that goes has no key of one that is
    written, so it does not matter which part comes first.
    """
    kinds = _DAYS, _STANDINGS, _AWARDS
    return [*(kind.remove for kind in kinds if whole or kind is _AWARDS), *(kind.upsert for kind in kinds)]


def values_of(users: Sequence[int], derived: Derived, days: Iterable[date] | None) -> Mapping[str, Any]:
    """Returns the values for `changing`, of these `days` alone unless there are None."""
    return {
        "users": bigints(users),
        **_DAYS.named(_daily_columns(derived, None if days is None else frozenset(days))),
        **_STANDINGS.named(_standing_columns(derived)),
        **_AWARDS.named(_award_columns(derived)),
    }


def differences(connection: Connection, users: Sequence[int], derived: Derived) -> Sequence[Difference]:
    """Returns what `changing` would change. Changes nothing."""
    return [
        Difference(row.user_id, kind.table.name, row.stored, row.derived)
        for kind, columns in (
            (_DAYS, _daily_columns(derived, None)),
            (_STANDINGS, _standing_columns(derived)),
            (_AWARDS, _award_columns(derived)),
        )
        for row in connection.execute(kind.differences, {**kind.named(columns), "users": list(users)})
    ]


def _daily_columns(derived: Derived, wanted: frozenset[date] | None) -> Columns:
    days = derived.days
    chosen: Any = slice(None)
    if wanted is not None:
        chosen = np.isin(days.day, [day.toordinal() for day in wanted])
    return {
        "user_id": bigints(days.user[chosen]),
        "product": _names(days.product[chosen], derived.products),
        "local_date": _dates(days.day[chosen]),
        **_sums(days.sums, chosen),
    }


def _standing_columns(derived: Derived) -> Columns:
    standings = derived.standings
    return {
        "user_id": bigints(standings.user),
        "product": _names(standings.product, derived.products),
        **_sums(standings.sums),
        "days": _texts(_spans(derived.runs)),
        "frozen": _texts([f"{{{','.join(map(str, days))}}}" for days in _frozen(derived)]),
    }


def _spans(runs: Runs) -> Sequence[str]:
    """Returns the runs of each standing, in the order of standings, which is theirs, as a multirange."""
    day = {ordinal: str(date.fromordinal(ordinal)) for ordinal in {*runs.first.tolist(), *runs.last.tolist()}}
    spans = [
        f"[{day[first]},{day[last]}]"
        for first, last in zip(runs.first.tolist(), runs.last.tolist(), strict=True)
    ]
    return [f"{{{','.join(spans[start:stop])}}}" for start, stop in _parts(runs)]


def _parts(runs: Runs) -> Iterable[tuple[int, int]]:
    """Returns where the runs of each standing begin and end."""
    starts = np.flatnonzero(starts_of(runs.user, runs.product)).tolist()
    return zip(starts, [*starts[1:], len(runs.user)][: len(starts)], strict=True)


def _frozen(derived: Derived) -> Sequence[Sequence[date]]:
    """Returns the days with a freeze of each standing."""
    standings = derived.standings
    if not derived.frozen:
        return [()] * len(standings.user)
    products = [*derived.products, ALL_PRODUCTS]
    keys = ((user, products[number]) for user, number in _pairs(standings.user, standings.product))
    return [derived.frozen.get(key, ()) for key in keys]


def _pairs(users: Ints, numbers: Ints) -> Iterable[tuple[int, int]]:
    return zip(users.tolist(), numbers.tolist(), strict=True)


def _award_columns(derived: Derived) -> Columns:
    awards = derived.awards
    return {
        "user_id": bigints(awards.user),
        "badge_id": _chosen_texts(awards.badge_ids, awards.badge),
        "version": _fixed(awards.version, _INTEGER, ">i4"),
        "user_seq": bigints(awards.seq),
    }


def _sums(sums: Sums, chosen: Any = slice(None)) -> Columns:
    return {
        "session_count": bigints(sums.sessions[chosen]),
        "elapsed_seconds": bigints(sums.seconds[chosen]),
        "answer_count": bigints(sums.answers[chosen]),
        "correct_answer_count": bigints(sums.correct[chosen]),
    }


def _names(numbers: Ints, products: Sequence[str]) -> Array:
    # The last one is that of all products, whose number is -1.
    assert EVERYTHING == -1
    return _chosen_texts([*products, ALL_PRODUCTS], numbers)


# The numbers that PostgreSQL has for its types.
_BIGINT, _INTEGER, _TEXT, _DATE = 20, 23, 25, 1082


def bigints(values: Ints | Sequence[int]) -> Array:
    """Returns numbers as an array of bigint."""
    return _fixed(values, _BIGINT, ">i8")


def _dates(ordinals: Ints) -> Array:
    return _fixed(ordinals - DAY_ZERO, _DATE, ">i4")


def _fixed(values: Ints | Sequence[int], kind: int, width: str) -> Array:
    elements = np.empty(len(values), [("size", ">i4"), ("value", width)])
    elements["size"] = elements.dtype["value"].itemsize
    elements["value"] = values
    return _array(kind, len(values), elements.tobytes())


def _chosen_texts(texts: Sequence[str], numbers: Ints) -> Array:
    return _array(_TEXT, len(numbers), b"".join(_elements(texts, numbers)))


def _elements(texts: Sequence[str], numbers: Ints) -> Sequence[bytes]:
    """Returns chosen ones of a few texts, each with its size before it."""
    elements = [_element(each) for each in texts]
    return [elements[number] for number in numbers.tolist()]


def _texts(values: Sequence[str]) -> Array:
    return _array(_TEXT, len(values), b"".join(map(_element, values)))


def _element(value: str) -> bytes:
    return _sized(value.encode())


def _sized(value: bytes) -> bytes:
    return struct.pack(">i", len(value)) + value


def _array(kind: int, count: int, elements: bytes) -> Array:
    """Returns an array with one dimension, from 1 on, of elements with their sizes; none has a null."""
    bounds = struct.pack(">ii", count, 1) if count else b""
    return Array(struct.pack(">iii", 1 if count else 0, 0, kind) + bounds + elements)


_SINCE_2000 = datetime(2000, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
# Of each type with a fixed width: its number, how a value lies in memory, and how it is made of Python's.
_TYPES: Mapping[str, tuple[int, str, Callable[[Any], Any] | None]] = {
    "BOOLEAN": (16, "?", None),
    "SMALLINT": (21, ">i2", None),
    "INTEGER": (_INTEGER, ">i4", None),
    "BIGINT": (_BIGINT, ">i8", None),
    "DATE": (_DATE, ">i4", lambda day: day.toordinal() - DAY_ZERO),
    "TIMESTAMP WITH TIME ZONE": (1184, ">i8", lambda instant: (instant - _SINCE_2000) // _MICROSECOND),
    "UUID": (2950, "V16", attrgetter("bytes")),
}


def array_of(column: Any, values: Sequence[Any]) -> Array:
    """Returns values of a column of any table, as the driver would write them, in a fraction of its time."""
    kind = _type_of(column)
    if kind == "TEXT":
        # Few are distinct.
        elements = {value: _element(value) for value in set(values)}
        return _array(_TEXT, len(values), b"".join([elements[value] for value in values]))
    number, width, convert = _TYPES[kind]
    return _fixed(np.array(values if convert is None else list(map(convert, values)), width), number, width)
