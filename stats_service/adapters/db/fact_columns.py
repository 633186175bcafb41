"""Reads completions by the column, for one learner or a shard of them.

The database strings all rows together into one value: every column has a fixed
width and none is null, so numpy reads the whole answer where it lies. Texts
travel as hashes that are looked up in the few distinct ones there are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeVar, cast

import numpy as np
import psycopg
from sqlalchemy import Connection

from stats_service.adapters.db import text_codes
from stats_service.domain.calendar import Calendar
from stats_service.domain.facts import Facts, Ints

T = TypeVar("T", str, Calendar)

_SETTING = text_codes.settings().expression
# Names, how PostgreSQL writes them, and their formats. All are in the index of
# the canonical order, so that the table itself is not read. What is small
# shares a number: each one has its price.
_COLUMNS: Sequence[tuple[str, str, str]] = (
    ("user", "int8send(user_id)", ">i8"),
    ("seq", "int8send(user_seq)", ">i8"),
    ("setting", f"int8send({_SETTING})", ">i8"),
    ("end", "timestamptz_send(end_time)", ">i8"),
    ("seconds", "int8send(practised_seconds)", ">i8"),
    ("answered", "int8send((answer_count::bigint << 32) | correct_answer_count)", ">i8"),
    (
        "when",
        "int8send(((local_date - date '2000-01-01')::bigint << 20) | (synced::integer << 12)"
        " | (local_minute << 1) | counts::integer)",
        ">i8",
    ),
)
# Read where they are asked for. The first two are in the index too.
_TEXTS = ("outcome", "mode", "content")
_ORDER = "ORDER BY user_id, end_time, event_id"
# PostgreSQL counts days and microseconds from 2000-01-01.
DAY_ZERO = 730_120
MICROSECONDS_TO_2000 = 946_684_800 * 1_000_000


@dataclass(frozen=True, slots=True)
class AskedFacts:
    """Facts that were asked for; the answer may be on its way."""

    driver: psycopg.Connection[Any]
    source: str
    values: Mapping[str, Any]
    texts: tuple[str, ...]
    answer: psycopg.Cursor[Any]


class FactColumns:
    """Reads facts on any connection; remembers which texts have which hashes."""

    def __init__(self) -> None:
        self._settings = text_codes.settings()
        self._texts = {name: text_codes.texts(name) for name in _TEXTS}

    def read(self, connection: Connection, whose: str, texts: Iterable[str] = ()) -> Facts:
        """Returns the facts that a condition in SQL selects, in canonical order.

        `whose` is ours, never a caller's text. `texts` are those of outcome,
        mode and content that are needed; the others are empty.
        """
        return self.understand(self.ask(driver_of(connection), whose, texts, {}))

    def ask(
        self, driver: psycopg.Connection[Any], whose: str, texts: Iterable[str], values: Mapping[str, Any]
    ) -> AskedFacts:
        """Asks for facts as `read` does, with the values that `whose` names; in a pipeline, too."""
        source = f"stats.completion WHERE {whose}"
        wanted = frozenset(texts)
        needed = tuple(name for name in _TEXTS if name in wanted)
        fields, _ = _columns_with(needed)
        return AskedFacts(driver, source, values, needed, ask_rows(driver, fields, source, _ORDER, values))

    def understand(self, asked: AskedFacts) -> Facts:
        """Returns the facts that were asked for. Once."""
        driver, source, values, needed = asked.driver, asked.source, asked.values, asked.texts
        rows = rows_of(asked.answer, _columns_with(needed)[1])
        settings, setting = self._settings.resolve(driver, source, rows["setting"], values)
        products, product_of = _numbered([product for product, _ in settings])
        calendars, calendar_of = _numbered([calendar for _, calendar in settings])
        told = {name: np.full(len(rows), "", np.object_) for name in _TEXTS if name not in needed}
        for name in needed:
            spoken, places = self._texts[name].resolve(driver, source, rows[name], values)
            told[name] = np.array(spoken, np.object_)[places]
        when, answered = ints(rows["when"]), ints(rows["answered"])
        return Facts(
            user=ints(rows["user"]),
            seq=ints(rows["seq"]),
            product=product_of[setting],
            day=(when >> 20) + DAY_ZERO,
            end=ints(rows["end"]) + MICROSECONDS_TO_2000,
            counts=(when & 1).astype(np.bool_),
            synced=(when >> 12 & 1).astype(np.bool_),
            seconds=ints(rows["seconds"]),
            answers=answered >> 32,
            correct=answered & 0xFFFFFFFF,
            minute=when >> 1 & 0x7FF,
            calendar=calendar_of[setting],
            products=products,
            calendars=calendars,
            **told,
        )


@cache
def _columns_with(texts: tuple[str, ...]) -> tuple[str, np.dtype[Any]]:
    """Returns how the columns and some texts are strung together, and how that is read."""
    coded = ((name, f"int8send({text_codes.texts(name).expression})", ">i8") for name in texts)
    columns = [*_COLUMNS, *coded]
    fields = " || ".join(expression for _, expression, _ in columns)
    return fields, np.dtype([(name, width) for name, _, width in columns])


def _numbered(values: Sequence[T]) -> tuple[tuple[T, ...], Ints]:
    """Returns the different ones of some values, in order, and the place among them of each."""
    different = tuple(sorted(set(values)))
    place_of = {value: place for place, value in enumerate(different)}
    return different, np.array([place_of[value] for value in values], np.int64)


def driver_of(connection: Connection) -> psycopg.Connection[Any]:
    """Returns the connection's own, whose values can be had in binary."""
    return cast("psycopg.Connection[Any]", connection.connection.driver_connection)


def read_rows(
    driver: psycopg.Connection[Any], fields: str, source: str, order: str, row: np.dtype[Any]
) -> Any:
    """Returns rows, chosen and in an order in SQL, as an array of `row`s, which `fields` strings together."""
    return rows_of(ask_rows(driver, fields, source, order, {}), row)


def ask_rows(
    driver: psycopg.Connection[Any], fields: str, source: str, order: str, values: Mapping[str, Any]
) -> psycopg.Cursor[Any]:
    """Asks for rows as `read_rows` does, with the values that `source` names."""
    query = f"SELECT string_agg({fields}, '' {order}) FROM {source}"  # noqa: S608
    return driver.cursor(binary=True).execute(cast("Any", query), values or None)


def rows_of(answer: psycopg.Cursor[Any], row: np.dtype[Any]) -> Any:
    """Returns rows that were asked for."""
    found = answer.fetchone()
    return np.frombuffer((found and found[0]) or b"", row)


def ints(values: Any) -> Ints:
    """Returns a column in the machine's own order and width."""
    return np.asarray(values, np.int64)
