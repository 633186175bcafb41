"""Items that devices made offline, in a transaction."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple
from operator import attrgetter, itemgetter
from typing import Any, cast
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from session_service.adapters.db import tables
from session_service.adapters.db.arrays import ArrayInsert
from session_service.adapters.db.rows import SESSION_FIELDS, answer_to_values, item_to_values
from session_service.adapters.db.unit_of_work import SqlUnitOfWork
from session_service.domain.practice_session import PracticeSession
from session_service.offline.domain import RefusedAnswer, SyncedItem
from session_service.offline.ports import EndedSession, OfflineUnitOfWork, SyncedItems

# Each by its key: of a list the planner rather reads all that the user ever synced, part after part.
_FIND = """
SELECT item.client_id, item.digest, item.session_id, item.refused_answers::text
FROM unnest($2::uuid[]) AS asked (client_id), LATERAL (
    SELECT * FROM session.synced_item
    WHERE synced_item.user_id = $1 AND synced_item.client_id = asked.client_id LIMIT 1
) AS item
"""
_ADD = ArrayInsert(tables.synced_item, ["user_id", "client_id", "digest", "session_id", "refused_answers"])
_PLAIN = [name for name in SESSION_FIELDS if name not in ("id", "settings")]
_plain_values = attrgetter(*_PLAIN)
_answer_values = itemgetter(*tables.answer.c.keys())
_item_values = itemgetter(*tables.session_item.c.keys())
_ADD_SESSIONS = ArrayInsert(tables.practice_session, [*_PLAIN, "settings"], returning="user_seq, id")
_ADD_ANSWERS = ArrayInsert(tables.answer, tables.answer.c.keys())
_ADD_ITEMS = ArrayInsert(tables.session_item, tables.session_item.c.keys())
_NONE = "[]"


class SqlSyncedItems(SyncedItems):
    """The items of a transaction: a statement for all rows of a table."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def find(self, user_id: int, client_ids: Iterable[str]) -> Mapping[str, SyncedItem]:
        """Selects items by their ids."""
        rows = await self._connection.exec_driver_sql(_FIND, (user_id, list(client_ids)))
        items = (_item_from_row(*row) for row in cast(Iterable[Any], rows))
        return {item.client_id: item for item in items}

    async def add(self, user_id: int, items: Sequence[SyncedItem]) -> None:
        """Inserts items."""
        rows = [
            (user_id, item.client_id, item.digest, item.session_id, _refused_to_text(item.refused_answers))
            for item in items
        ]
        await _ADD(self._connection, rows)

    async def add_sessions(self, ended: Sequence[EndedSession]) -> Sequence[PracticeSession]:
        """Inserts sessions, their answers and their items."""
        inserted = await _ADD_SESSIONS(self._connection, [_to_row(each.session) for each in ended])
        numbers: dict[int, int] = dict(inserted)
        stored = [each.session.with_values(id=numbers[each.session.user_seq]) for each in ended]
        pairs = list(zip(stored, ended, strict=True))
        answers = [
            _answer_values(answer_to_values(session, position, answer, session.updated_at))
            for session, each in pairs
            for position, answer in enumerate(each.answers, start=1)
        ]
        items = [
            _item_values(item_to_values(session, item)) for session, each in pairs for item in each.items
        ]
        await _ADD_ANSWERS(self._connection, answers)
        await _ADD_ITEMS(self._connection, items)
        return stored


def _to_row(session: PracticeSession) -> tuple[Any, ...]:
    # It is over: it has no open slot.
    return (*_plain_values(session), json.dumps(session.settings) if session.settings else "{}")


def _refused_to_text(refused: Sequence[RefusedAnswer]) -> str:
    return json.dumps([astuple(answer) for answer in refused]) if refused else _NONE


def _item_from_row(client_id: UUID, digest: bytes, session_id: int, refused: str) -> SyncedItem:
    answers = tuple(RefusedAnswer(*answer) for answer in json.loads(refused)) if refused != _NONE else ()
    return SyncedItem(str(client_id), digest, session_id, answers)


class SqlOfflineUnitOfWork(SqlUnitOfWork, OfflineUnitOfWork):
    """One transaction, with what devices made offline in it."""

    async def __aenter__(self) -> SqlOfflineUnitOfWork:
        await super().__aenter__()
        self.synced = SqlSyncedItems(self.connection)
        return self
