"""The statements that read, search and write problems."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import CTE, Select, delete, func, insert, literal, select, update
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.types import Text

from catalog_service.adapters.db.statements import among
from catalog_service.adapters.db.tables import problems
from catalog_service.application.ports.problems import Problems
from catalog_service.domain.contents import Content
from catalog_service.domain.problems import (
    SHIPPED_OWNER_EMAIL,
    SHIPPED_OWNER_ID,
    STATEMENT_FIELDS,
    Problem,
    ProblemSelection,
    Statement,
)
from catalog_service.domain.search import text_grams, word_grams

_LISTS = frozenset({"categories", "requirements", "constraints", "hints"})
# Not what is searched: it is as large again.
_COLUMNS = (
    problems.c.problem_id,
    problems.c.owner_id,
    problems.c.owner_email,
    *(problems.c[name] for name in STATEMENT_FIELDS),
    problems.c.created_at,
    problems.c.updated_at,
)
_number = problems.c.problem_id


class SqlProblems(Problems):
    """Problems in the catalog schema."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def contents(self, numbers: Collection[int]) -> Mapping[int, Content]:
        """Returns those that exist."""
        query = select(_number, problems.c.title, problems.c.created_at).where(among(_number, numbers))
        rows = await self._connection.execute(query)
        return {row.problem_id: Content(row.title, created_at=row.created_at) for row in rows}

    async def add(self, owner_id: int, owner_email: str, statement: Statement) -> Problem:
        """Makes a problem."""
        return await self._insert(statement, owner_id=owner_id, owner_email=owner_email)

    async def count_of(self, owner_id: int) -> int:
        """Counts by the author."""
        query = select(func.count()).select_from(problems).where(problems.c.owner_id == owner_id)
        return int((await self._connection.execute(query)).scalar_one())

    async def get(self, problem_id: int) -> Problem | None:
        """Returns one problem, None for an unknown number."""
        return await self._first(select(*_COLUMNS).where(_number == problem_id))

    async def lock(self, problem_id: int) -> Problem | None:
        """Returns one problem, nobody else's to change until the commit."""
        return await self._first(select(*_COLUMNS).where(_number == problem_id).with_for_update())

    async def change(self, problem_id: int, statement: Statement) -> Problem:
        """Replaces the statement of a locked problem."""
        # Not now(), which is when this transaction began: perhaps before the one it waited for.
        times = {"updated_at": func.clock_timestamp()}
        changed = update(problems).where(_number == problem_id).values(**_columns(statement), **times)
        return _problem((await self._connection.execute(changed.returning(*_COLUMNS))).one())

    async def delete(self, problem_id: int) -> None:
        """Deletes a problem."""
        await self._connection.execute(delete(problems).where(_number == problem_id))

    async def count(self, selection: ProblemSelection) -> int:
        """Returns how many problems there are."""
        query = _select(select(func.count()).select_from(problems), selection)
        return int((await self._connection.execute(query)).scalar_one())

    async def newest(
        self, selection: ProblemSelection, *, limit: int, before: int | None = None, skip: int = 0
    ) -> Sequence[Problem]:
        """Returns problems, the newest first: those numbered below `before`, without the first `skip`."""
        query = _select(select(*_COLUMNS), selection)
        if before is not None:
            query = query.where(_number < before)
        query = query.order_by(_number.desc()).limit(limit).offset(skip)
        return [_problem(row) for row in await self._connection.execute(query)]

    async def shipped(self, keys: Collection[str]) -> Mapping[str, Problem]:
        """Returns the shipped problems among the keys."""
        query = select(*_COLUMNS, problems.c.shipped_key).where(among(problems.c.shipped_key, keys))
        return {row.shipped_key: _problem(row) for row in await self._connection.execute(query)}

    async def ship(self, key: str, statement: Statement) -> None:
        """Makes a shipped problem."""
        author = {"owner_id": SHIPPED_OWNER_ID, "owner_email": SHIPPED_OWNER_EMAIL}
        await self._insert(statement, **author, shipped_key=key)

    async def _insert(self, statement: Statement, **columns: Any) -> Problem:
        made = insert(problems).values(**_columns(statement), **columns).returning(*_COLUMNS)
        return _problem((await self._connection.execute(made)).one())

    async def _first(self, query: Select[Any]) -> Problem | None:
        row = (await self._connection.execute(query)).first()
        return _problem(row) if row else None


def _select(query: Select[Any], selection: ProblemSelection) -> Select[Any]:
    if selection.owner_id is not None:
        query = query.where(problems.c.owner_id == selection.owner_id)
    if selection.words:
        query = query.where(_number.in_(select(_holding(selection.words))))
    return query


def _holding(words: Collection[str]) -> CTE:
    # The index finds few candidates; the text decides.
    grams = literal(word_grams(words), ARRAY(Text))
    found = select(_number).where(problems.c.grams.contains(grams))
    found = found.where(*(func.strpos(problems.c.searched, word) > 0 for word in words))
    # Else a page of a rare word could be planned as a walk from the newest through all problems.
    return found.cte("found").prefix_with("MATERIALIZED")


def _columns(statement: Statement) -> dict[str, Any]:
    searched = statement.searched
    said = {
        name: list(getattr(statement, name)) if name in _LISTS else getattr(statement, name)
        for name in STATEMENT_FIELDS
    }
    return {**said, "searched": searched, "grams": text_grams(searched)}


def _problem(row: Any) -> Problem:
    said = {name: getattr(row, name) for name in STATEMENT_FIELDS}
    said.update({name: tuple(said[name]) for name in _LISTS})
    return Problem(
        problem_id=row.problem_id,
        owner_id=row.owner_id,
        owner_email=row.owner_email,
        statement=Statement(**said),
        created_at=row.created_at,
        updated_at=row.updated_at,
    )
