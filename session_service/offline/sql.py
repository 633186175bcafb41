"""Items that devices made offline, in a transaction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple, replace
from typing import Any
from uuid import UUID

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from session_service.adapters.db import tables
from session_service.adapters.db.rows import answer_to_values, item_to_values, session_to_values
from session_service.adapters.db.unit_of_work import SqlUnitOfWork
from session_service.domain.practice_session import PracticeSession
from session_service.offline.domain import RefusedAnswer, SyncedItem
from session_service.offline.ports import EndedSession, OfflineUnitOfWork, SyncedItems

_item = tables.synced_item

# Built once, like the statements for sessions.
_ADD = insert(_item)
_ADD_SESSIONS = insert(tables.practice_session).returning(
    tables.practice_session.c.id, sort_by_parameter_order=True
)
_ADD_ANSWERS = insert(tables.answer)
_ADD_ITEMS = insert(tables.session_item)


class SqlSyncedItems(SyncedItems):
    """The items of a transaction: a statement for all rows of a table."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def find(self, user_id: int, client_ids: Iterable[str]) -> Mapping[str, SyncedItem]:
        """Selects items by their ids."""
        statement = select(_item.c.client_id, _item.c.digest, _item.c.session_id, _item.c.refused_answers)
        mine = (_item.c.user_id == user_id) & _item.c.client_id.in_(map(UUID, client_ids))
        rows = await self._connection.execute(statement.where(mine))
        return {str(row.client_id): _item_from_row(*row) for row in rows}

    async def add(self, user_id: int, items: Sequence[SyncedItem]) -> None:
        """Inserts items."""
        rows = [
            {
                "user_id": user_id,
                "client_id": UUID(item.client_id),
                "digest": item.digest,
                "session_id": item.session_id,
                "refused_answers": [astuple(answer) for answer in item.refused_answers],
            }
            for item in items
        ]
        await self._insert(_ADD, rows)

    async def add_sessions(self, ended: Sequence[EndedSession]) -> Sequence[PracticeSession]:
        """Inserts sessions, their answers and their items."""
        if not ended:
            return []
        inserted = await self._connection.execute(
            _ADD_SESSIONS, [session_to_values(each.session) for each in ended]
        )
        stored = [
            replace(each.session, id=number) for each, number in zip(ended, inserted.scalars(), strict=True)
        ]
        pairs = list(zip(stored, ended, strict=True))
        answers = [
            answer_to_values(session, position, answer, session.updated_at)
            for session, each in pairs
            for position, answer in enumerate(each.answers, start=1)
        ]
        items = [item_to_values(session, item) for session, each in pairs for item in each.items]
        await self._insert(_ADD_ANSWERS, answers)
        await self._insert(_ADD_ITEMS, items)
        return stored

    async def _insert(self, statement: Any, rows: list[dict[str, Any]]) -> None:
        if rows:
            await self._connection.execute(statement, rows)


def _item_from_row(client_id: UUID, digest: bytes, session_id: int, refused: list[list[str]]) -> SyncedItem:
    answers = tuple(RefusedAnswer(*answer) for answer in refused)
    return SyncedItem(str(client_id), digest, session_id, answers)


class SqlOfflineUnitOfWork(SqlUnitOfWork, OfflineUnitOfWork):
    """One transaction, with what devices made offline in it."""

    async def __aenter__(self) -> SqlOfflineUnitOfWork:
        await super().__aenter__()
        self.synced = SqlSyncedItems(self.connection)
        return self
