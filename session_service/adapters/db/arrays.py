"""Inserts of many rows by one statement: an array for each column, so its text is the same for any number.

A statement with a parameter for each value is another one for each number of rows: the driver and the
server read and plan thousands of parameters again each time. What all rows have in common is no array.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import Table
from sqlalchemy.dialects.postgresql import JSONB, dialect
from sqlalchemy.ext.asyncio import AsyncConnection

_DIALECT = dialect()  # type: ignore[no-untyped-call]


class ArrayInsert:
    """The insert of rows with some of a table's columns, in their order; JSON is given as text.

    `computed` says of a column the type of what is given and the expression with it that is stored.
    """

    def __init__(
        self,
        table: Table,
        names: Sequence[str],
        *,
        computed: Mapping[str, tuple[str, str]] | None = None,
        returning: str = "",
    ) -> None:
        self._head = f"INSERT INTO {table.fullname} ({', '.join(names)})"
        self._tail = f" RETURNING {returning}" if returning else ""
        self._names = names
        self._given = [(computed or {}).get(name) or _given(table, name) for name in names]
        self._text = lru_cache(maxsize=64)(self._make_text)

    async def __call__(self, connection: AsyncConnection, rows: Sequence[Sequence[Any]]) -> Sequence[Any]:
        """Inserts rows and gives back what is returned of each; no row asks nothing."""
        if not rows:
            return []
        columns = list(zip(*rows, strict=True))
        varied = tuple(len(rows) == 1 or column.count(column[0]) < len(column) for column in columns)
        # Rows that are all the same are as many as an array is long.
        varied = varied if any(varied) else (True,) * len(columns)
        values = tuple(
            list(column) if varies else column[0] for column, varies in zip(columns, varied, strict=True)
        )
        inserted = await connection.exec_driver_sql(self._text(varied), values)
        return inserted.all() if inserted.returns_rows else []

    def _make_text(self, varied: Sequence[bool]) -> str:
        arrays: list[str] = []
        names: list[str] = []
        values: list[str] = []
        for place, (name, (kind, expression), varies) in enumerate(
            zip(self._names, self._given, varied, strict=True), 1
        ):
            if varies:
                names.append(name)
                arrays.append(f"${place}::{kind}[]")
            values.append(expression.format(name if varies else f"${place}::{kind}"))
        rows = f"unnest({', '.join(arrays)}) WITH ORDINALITY AS given ({', '.join(names)}, place)"
        chosen = f"SELECT {', '.join(values)} FROM {rows} ORDER BY place"  # noqa: S608 - names of columns
        return f"{self._head} {chosen}{self._tail}"


def _given(table: Table, name: str) -> tuple[str, str]:
    column = table.c[name].type
    return ("text", "{}::jsonb") if isinstance(column, JSONB) else (column.compile(_DIALECT), "{}")
