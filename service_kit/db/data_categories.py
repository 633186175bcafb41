"""The categories of data that a service keeps of users: tables, exported and erased in batches.

Neither takes a transaction as long as a user has practised for years: an
export reads pages by key, each in a transaction of its own, so a slow reader
holds nothing; an erasure commits in batches, each with its count, so one that
is broken off goes on where it was.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from sqlalchemy import Column, ColumnElement, Row, Select, Table, delete, literal, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from service_kit.db.erasure import Tombstones
from service_kit.personal_data import Entries, FileChunk, PersonalData, Report, export_files, guide_file

_PAGE = 500
# Rows of one kind that one transaction deletes; of those with parts, parents.
_BATCH = 5_000
_PARENTS = 200

# The tables' own `user_id`, unless a category says otherwise.
Owned = Callable[[int], ColumnElement[bool]]


# Counts, before anything is removed, what will be put right for others by that.
Corrections = Callable[[AsyncConnection, int], Awaitable[dict[str, int]]]


@dataclass(frozen=True, slots=True)
class Part:
    """A table whose rows belong to a category's rows, by the column `parent`, and to the same user."""

    name: str
    about: str
    table: Table
    parent: str
    hidden: frozenset[str] = frozenset()
    page: int = _PAGE

    def owned_by(self, user_id: int) -> ColumnElement[bool]:
        """Returns the condition that a row is the user's."""
        return self.table.c.user_id == user_id


@dataclass(frozen=True, slots=True)
class DataCategory:
    """A table with rows of users, `page` of which are read at once; with parts, its key ends in a number.

    `about` tells the user what it is. `hidden` columns never leave: secrets,
    and what is there twice.
    """

    name: str
    about: str
    table: Table
    owned: Owned | None = None
    hidden: frozenset[str] = frozenset()
    page: int = _PAGE
    parts: tuple[Part, ...] = field(default=())

    def owned_by(self, user_id: int) -> ColumnElement[bool]:
        """Returns the condition that a row is the user's."""
        return self.owned(user_id) if self.owned else self.table.c.user_id == user_id

    @property
    def guide(self) -> list[tuple[str, str]]:
        """What the category and its parts are, by name."""
        return [(self.name, self.about), *((part.name, part.about) for part in self.parts)]


class SqlPersonalData(PersonalData):
    """The data of users in a schema's categories.

    They are emptied in their order: what refers to another comes before it.
    """

    def __init__(
        self,
        engine: AsyncEngine,
        schema: str,
        tombstones: Table,
        categories: Sequence[DataCategory],
        corrections: Corrections | None = None,
    ) -> None:
        self._engine = engine
        self._schema = schema
        self._tombstones = tombstones
        self._categories = categories
        self._corrections = corrections

    async def export(self, user_id: int) -> AsyncGenerator[FileChunk]:
        """Reads every category."""
        async with aclosing(
            export_categories(self._engine, self._schema, self._categories, user_id)
        ) as chunks:
            async for chunk in chunks:
                yield chunk

    async def erase(self, user_id: int, request_id: str) -> Report:
        """Places the tombstone, then empties every category."""
        earlier = await self._begin(user_id, request_id)
        if earlier is not None:
            return earlier
        for category in self._categories:
            while await self._remove_batch(category, user_id):
                pass
        async with self._engine.begin() as connection:
            return await Tombstones(connection, self._tombstones).finish(user_id)

    async def _begin(self, user_id: int, request_id: str) -> Report | None:
        async with self._engine.begin() as connection:
            tombstones = Tombstones(connection, self._tombstones)
            if not await tombstones.place(user_id, request_id):
                return await tombstones.report(user_id)
            if self._corrections is not None:
                await tombstones.add(user_id, {}, await self._corrections(connection, user_id))
        return None

    async def _remove_batch(self, category: DataCategory, user_id: int) -> bool:
        """Tells whether there may be more."""
        async with self._engine.begin() as connection:
            tombstones = Tombstones(connection, self._tombstones)
            await tombstones.hold(user_id)
            removed = await remove_batch(connection, category, user_id)
            await tombstones.add(user_id, removed, {})
        return removed[category.name] > 0


async def export_categories(
    engine: AsyncEngine, schema: str, categories: Sequence[DataCategory], user_id: int
) -> AsyncGenerator[FileChunk]:
    """Yields the files of categories, `<schema>/<category>.json` and `.csv`, after their guide."""
    yield guide_file(schema, {name: about for category in categories for name, about in category.guide})
    for category in categories:
        tables: list[DataCategory | Part] = [category, *category.parts]
        for each in tables:
            pages = partial(_pages, engine, each, user_id)
            async for chunk in export_files(f"{schema}/{each.name}", _visible_columns(each), pages):
                yield chunk


async def remove_batch(connection: AsyncConnection, category: DataCategory, user_id: int) -> dict[str, int]:
    """Deletes rows of a category, with all of their parts, and returns how many of each."""
    key, limit = _key(category.table), _PARENTS if category.parts else _BATCH
    mine = select(*key).where(category.owned_by(user_id)).order_by(*key).limit(limit)
    if not category.parts:
        gone = delete(category.table).where(tuple_(*key).in_(mine))
        return {category.name: (await connection.execute(gone)).rowcount}
    # Locked first: whoever works on one of them is done before its parts go.
    numbers = [row[-1] for row in await connection.execute(mine.with_for_update())]
    removed = {}
    for part in category.parts:
        parts = delete(part.table).where(part.owned_by(user_id), part.table.c[part.parent].in_(numbers))
        removed[part.name] = (await connection.execute(parts)).rowcount
    gone = delete(category.table).where(category.owned_by(user_id), key[-1].in_(numbers))
    return {category.name: (await connection.execute(gone)).rowcount, **removed}


def _visible_columns(category: DataCategory | Part) -> list[str]:
    return [column.name for column in category.table.c if column.name not in category.hidden]


def _entries(category: DataCategory | Part, rows: Sequence[Row[Any]]) -> Entries:
    names = _visible_columns(category)
    return [{name: row._mapping[name] for name in names} for row in rows]


def _select_visible(of: DataCategory | Part) -> Select[Any]:
    """Returns the rows without what is hidden: it may be large."""
    columns = {
        column.name: column for column in (*_key(of.table), *(of.table.c[n] for n in _visible_columns(of)))
    }
    return select(*columns.values())


def _key(table: Table) -> list[Column[Any]]:
    return list(table.primary_key.columns)


async def _pages(engine: AsyncEngine, category: DataCategory | Part, user_id: int) -> AsyncIterator[Entries]:
    query = _select_visible(category).where(category.owned_by(user_id))
    async for rows in _by_key(engine, query, _key(category.table), category.page):
        yield _entries(category, rows)


async def _by_key(
    engine: AsyncEngine, query: Select[Any], key: Sequence[Column[Any]], limit: int
) -> AsyncIterator[Sequence[Row[Any]]]:
    """Yields the rows of a query in the order of a key, a page a transaction."""
    after: ColumnElement[bool] | None = None
    while True:
        page = query if after is None else query.where(after)
        async with engine.connect() as connection:
            rows = (await connection.execute(page.order_by(*key).limit(limit))).all()
        if rows:
            yield rows
        if len(rows) < limit:
            return
        last = [literal(rows[-1]._mapping[column], column.type) for column in key]
        after = tuple_(*key) > tuple_(*last)
