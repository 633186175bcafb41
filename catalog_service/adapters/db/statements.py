"""Statements that more than one table needs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Column, ColumnElement, Table, any_, case, func, literal, literal_column, tuple_
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.ext.asyncio import AsyncConnection

from catalog_service.application.ports.contents import LoadCounts


def among(column: Column[Any], values: Iterable[Any]) -> ColumnElement[bool]:
    """Returns that the column has one of the values; one statement text whatever their count."""
    return column == any_(literal(list(values), ARRAY(column.type)))


async def put_rows(
    connection: AsyncConnection, table: Table, rows: Sequence[Mapping[str, Any]]
) -> LoadCounts:
    """Creates or replaces rows in one statement; rows that are the same are not written.

    The table has one key column and an `updated_at`; the rows' keys all differ.
    """
    (key,) = table.primary_key.columns
    content = [name for name in rows[0] if name != key.name]
    # In the order of their keys: two loads at once lock rows in one order.
    statement = insert(table).values(sorted(rows, key=lambda row: row[key.name]))
    new = statement.excluded
    written = statement.on_conflict_do_update(
        index_elements=[key],
        set_={**{name: new[name] for name in content}, "updated_at": func.now()},
        where=tuple_(*(table.c[name] for name in content)).is_distinct_from(
            tuple_(*(new[name] for name in content))
        ),
        # A row version that an INSERT made was never locked: its xmax is 0.
    ).returning(case((literal_column("xmax") == literal_column("0"), 1), else_=0))
    made = list(await connection.scalars(written))
    created = sum(made)
    return LoadCounts(created, len(made) - created, len(rows) - len(made))
