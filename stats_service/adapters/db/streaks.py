"""What keeps streaks, as the gRPC server reads and records it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import date
from typing import Any

from sqlalchemy import update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from typing_extensions import override

from service_kit.call import reach
from service_kit.db.idempotency import IdempotencyRecord
from service_kit.db.one_statement import read
from service_kit.once import Idempotency
from stats_service.adapters.db import (
    progress_statements,
    rows,
    saving_statements,
)
from stats_service.adapters.db.reader import entries_query, learner_query, protection_query
from stats_service.adapters.db.tables import idempotency, learner, streak_entry
from stats_service.application.ports.reading import Learner
from stats_service.application.ports.streaks import E, OpenStreakWork, StreakWork
from stats_service.domain.protection import Entry, StreakProtection

# No catalogue has it: progress made with it is outdated.
_NO_REVISION = -1


def open_streak_work(engine: AsyncEngine) -> OpenStreakWork:
    """Returns what opens a transaction that holds a learner's row, made if there is none."""

    @asynccontextmanager
    async def opened(user_id: int) -> AsyncIterator[StreakWork]:
        users = {"users": [user_id]}
        async with engine.connect() as connection:
            await connection.execute(saving_statements.make_learners(), {**users, "revision": _NO_REVISION})
            await connection.execute(saving_statements.lock_learners(), users)
            yield SqlStreakWork(connection, user_id)

    return opened


class SqlStreakWork(StreakWork):
    """A transaction in PostgreSQL that holds a learner's row."""

    def __init__(self, connection: AsyncConnection, user_id: int) -> None:
        self._connection = connection
        self._user_id = user_id
        self._idempotency = IdempotencyRecord(connection, idempotency)

    @property
    @override
    def idempotency(self) -> Idempotency:
        return self._idempotency

    @override
    async def learner(self) -> Learner:
        known = await read(self._connection, learner_query(self._user_id))
        reach(known.applied_through)
        return known

    @override
    async def entries(self) -> Sequence[Entry]:
        return await read(self._connection, entries_query(self._user_id))

    @override
    async def protection(self) -> StreakProtection:
        return await read(self._connection, protection_query(self._user_id))

    @override
    async def days(self, product: str) -> Sequence[date]:
        row = (
            await self._connection.execute(progress_statements.standing_of(self._user_id, product))
        ).first()
        return rows.standing_from_row(row).days if row else ()

    @override
    async def record(self, entry: E) -> E:
        stored = insert(streak_entry).values(rows.entry_to_row(self._user_id, entry)).returning(streak_entry)
        row = (await self._connection.execute(stored)).one()
        mine = learner.c.user_id == self._user_id
        await self._connection.execute(update(learner).where(mine).values(catalogue_revision=_NO_REVISION))
        recorded: Any = rows.entry_from_row(row)
        return recorded  # type: ignore[no-any-return]

    @override
    async def commit(self) -> None:
        await self._connection.commit()
