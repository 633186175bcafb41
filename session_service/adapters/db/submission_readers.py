"""Reads of submissions."""

from __future__ import annotations

import builtins
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from sqlalchemy import func, literal, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from session_service.adapters.db import tables
from session_service.adapters.db.submissions import (
    COLUMNS,
    newest_submission,
    select_submission,
    submission_from_row,
)
from session_service.application.ports.submissions import (
    SubmissionReaders,
    SubmissionRef,
    SubmissionSelection,
)
from session_service.domain.submission import Submission

_table = tables.submission
# A document can be a mebibyte, and a list shows none.
_LISTED = [literal("").label("document") if column.name == "document" else column for column in COLUMNS]


@asynccontextmanager
async def one_moment(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """Yields a connection whose every read sees the same commits."""
    async with engine.connect() as connection:
        yield await connection.execution_options(isolation_level="REPEATABLE READ")


class SqlSubmissionReaders(SubmissionReaders):
    """Reads of submissions: one short connection a read."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def get(self, user_id: int, ref: SubmissionRef) -> Submission:
        """Selects a submission of the user's."""
        async with one_moment(self._engine) as connection:
            return await select_submission(connection, user_id, ref)

    async def newest(self, user_id: int, content: str) -> Submission | None:
        """Selects the newest submission of a content."""
        async with one_moment(self._engine) as connection:
            return await newest_submission(connection, user_id, content)

    async def list(self, selection: SubmissionSelection) -> tuple[Sequence[Submission], int]:
        """Selects submissions by number, the newest first, and counts them."""
        mine = [_table.c.user_id == selection.user_id]
        if selection.content:
            mine.append(_table.c.content == selection.content)
        page = select(*_LISTED).where(*mine)
        if selection.before_id is not None:
            page = page.where(_table.c.id < selection.before_id)
        page = page.order_by(_table.c.id.desc()).limit(selection.limit).offset(selection.offset)
        async with one_moment(self._engine) as connection:
            found: builtins.list[Submission] = [
                submission_from_row(row) for row in await connection.execute(page)
            ]
            counted = await connection.execute(select(func.count()).select_from(_table).where(*mine))
            return found, int(counted.scalar_one())
