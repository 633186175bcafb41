"""Reads of users' calendars."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from session_service.adapters.db import tables
from session_service.adapters.db.learners import change_from_row, select_learner
from session_service.application.ports.learners import CalendarReaders
from session_service.domain.learner import CalendarChange, Learner

_change = tables.learner_calendar
_EXPORT_CHUNK = 500


class SqlCalendarReaders(CalendarReaders):
    """Reads of calendars: one short connection a read."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def learner(self, user_id: int, changes: int) -> tuple[Learner, Sequence[CalendarChange]]:
        """Selects the user's row and changes of calendar in one transaction."""
        newest = (
            select(_change)
            .where(_change.c.user_id == user_id)
            .order_by(_change.c.effective_at.desc())
            .limit(changes)
        )
        async with self._engine.connect() as connection:
            await connection.execution_options(isolation_level="REPEATABLE READ")
            learner = await select_learner(connection, user_id)
            return learner, [change_from_row(row) for row in await connection.execute(newest)]

    async def changes(self, user_id: int) -> AsyncIterator[CalendarChange]:
        """Selects changes in chunks, each in a transaction of its own."""
        after = 0
        while chunk := await self._chunk(user_id, after):
            for change in chunk:
                yield change
            after = chunk[-1].id

    async def _chunk(self, user_id: int, after: int) -> Sequence[CalendarChange]:
        later = (_change.c.id > after) & _change.c.user_seq.is_not(None)
        if user_id:
            later &= _change.c.user_id == user_id
        statement = select(_change).where(later).order_by(_change.c.id).limit(_EXPORT_CHUNK)
        async with self._engine.connect() as connection:
            return [change_from_row(row) for row in await connection.execute(statement)]
