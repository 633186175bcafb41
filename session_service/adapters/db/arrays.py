"""Inserts of many rows by one statement: an array for each column, so its text is the same for any number.

A statement with a parameter for each value is another one for each number of rows: the driver and the
server read and plan thousands of parameters again each time.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Table
from sqlalchemy.dialects.postgresql import JSONB, dialect
from sqlalchemy.ext.asyncio import AsyncConnection

_DIALECT = dialect()  # type: ignore[no-untyped-call]


class ArrayInsert:
    """The insert of rows with some of a table's columns, in their order; JSON is given as text."""

    def __init__(self, table: Table, names: Sequence[str], *, returning: str = "") -> None:
        types = [_type_of(table, name) for name in names]
        arrays = ", ".join(f"${place}::{kind}[]" for place, kind in enumerate(types, 1))
        values = ", ".join(_cast_of(table, name) for name in names)
        columns = ", ".join(names)
        self._text = (
            f"INSERT INTO {table.fullname} ({columns}) SELECT {values}"  # noqa: S608 - names of columns
            f" FROM unnest({arrays}) WITH ORDINALITY AS given ({columns}, place) ORDER BY place"
            f"{f' RETURNING {returning}' if returning else ''}"
        )

    async def __call__(self, connection: AsyncConnection, rows: Sequence[Sequence[Any]]) -> Sequence[Any]:
        """Inserts rows and gives back what is returned of each; no row asks nothing."""
        if not rows:
            return []
        columns = tuple(map(list, zip(*rows, strict=True)))
        inserted = await connection.exec_driver_sql(self._text, columns)
        return inserted.all() if inserted.returns_rows else []


def _type_of(table: Table, name: str) -> str:
    column = table.c[name].type
    return "text" if isinstance(column, JSONB) else column.compile(_DIALECT)


def _cast_of(table: Table, name: str) -> str:
    return f"{name}::jsonb" if isinstance(table.c[name].type, JSONB) else name
