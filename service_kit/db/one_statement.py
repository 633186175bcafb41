"""Several reads in one statement: one round trip, and everything as of one moment.

Each statement comes as an array of its rows, in its order. A transaction that sees
one moment would need a round trip for each, and two to begin and to end it.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Generic, TypeVar

from sqlalchemy import (
    Boolean,
    ColumnElement,
    CompoundSelect,
    Date,
    DateTime,
    Dialect,
    Integer,
    Select,
    String,
    Subquery,
    Uuid,
    cast,
    func,
    null,
    select,
)
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.types import NullType, UserDefinedType

T = TypeVar("T")
Statement = Select[Any] | CompoundSelect[Any]


@dataclass(frozen=True, slots=True)
class Query(Generic[T]):
    """Statements, and what their rows say: `value_of` takes those of each statement."""

    statements: tuple[Statement, ...]
    value_of: Callable[..., T]


async def read(connection: AsyncConnection, query: Query[T]) -> T:
    """Returns what the rows of a query say, as of one moment."""
    value: T
    (value,) = await read_together(connection, [query])
    return value


async def read_together(connection: AsyncConnection, queries: Sequence[Query[Any]]) -> tuple[Any, ...]:
    """Returns what the rows of each query say, all as of one moment."""
    statements = [statement for query in queries for statement in query.statements]
    if len(statements) == 1:
        found: Iterable[Any] = [(await connection.execute(statements[0])).all()]
    else:
        found = (await connection.execute(in_one(statements))).one()
    rows = iter(found)
    return tuple(query.value_of(*islice(rows, len(query.statements))) for query in queries)


def in_one(statements: Sequence[Statement]) -> Select[Any]:
    """Returns one row that has the rows of each statement."""
    sources = [statement.subquery() for statement in statements]
    # The driver asks what a type is when a column has it, and not when a row within a column does.
    asked_for = [
        cast(null(), column.type)
        for source in sources
        for column in source.c
        if not isinstance(column.type, _KNOWN)
    ]
    return select(*map(_rows_of, sources), *asked_for)


_KNOWN = (Boolean, Date, DateTime, Integer, NullType, String, Uuid)


def _rows_of(source: Subquery) -> ColumnElement[Any]:
    rows = select(func.row(*source.c)).scalar_subquery()
    return func.array(rows, type_=_Rows(list(source.c)))


class _Rows(UserDefinedType[Sequence[Any]]):
    """An array of rows, each as a tuple with the names of its columns.

    Two of them are told apart by the statements they are of: they say nothing to a cache themselves.
    """

    cache_ok = True

    def __init__(self, columns: Sequence[ColumnElement[Any]]) -> None:
        self._columns = columns

    def adapt(self, cls: Any, **_: Any) -> Any:
        """Returns what a dialect makes of it: the same, which is no argument of a constructor."""
        return cls(self._columns)

    def result_processor(
        self, dialect: Dialect, _coltype: object
    ) -> Callable[[Sequence[Any] | None], Sequence[Any]]:
        """Returns what makes rows of what the driver has read."""
        row: Any = namedtuple("Row", [column.key for column in self._columns])  # type: ignore[misc]
        processors = [_processor(column, dialect) for column in self._columns]

        def process(found: Sequence[Any] | None) -> Sequence[Any]:
            return [
                row._make(process(value) for process, value in zip(processors, record, strict=True))
                for record in found or ()
            ]

        return process


def _processor(column: ColumnElement[Any], dialect: Dialect) -> Callable[[Any], Any]:
    return column.type.dialect_impl(dialect).result_processor(dialect, None) or _as_it_is


def _as_it_is(value: Any) -> Any:
    return value
