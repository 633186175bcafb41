"""What keeps streaks, as the gRPC server reads and records it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import date
from typing import Any

from sqlalchemy import Select, Text, cast, func, literal, select, tuple_, union_all, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from service_kit.call import reach
from service_kit.db.idempotency import IdempotencyRecord
from stats_service.adapters.db import (
    badge_statements,
    fact_statements,
    progress_statements,
    rows,
    saving_statements,
)
from stats_service.adapters.db.reader import read_keeping, read_learner
from stats_service.adapters.db.tables import freeze_ledger, idempotency, learner, standing, streak_entry
from stats_service.application.ports.reading import Learner
from stats_service.application.ports.streaks import E, FreezeChange, LedgerPlace, OpenStreakWork, StreakWork
from stats_service.domain.keeping import Entry, Keeping
from stats_service.domain.standing import Standing

# No book has it: progress made with it is outdated.
_NO_REVISION = -1


def open_streak_work(engine: AsyncEngine) -> OpenStreakWork:
    """Returns what opens a transaction that holds a person's row, made if there is none."""

    @asynccontextmanager
    async def opened(user_id: int) -> AsyncIterator[StreakWork]:
        async with engine.connect() as connection:
            await connection.execute(saving_statements.make_learners([user_id], _NO_REVISION))
            await connection.execute(saving_statements.lock_learners([user_id]))
            yield SqlStreakWork(connection, user_id)

    return opened


class SqlStreakWork:
    """Implements StreakWork."""

    def __init__(self, connection: AsyncConnection, user_id: int) -> None:
        self._connection = connection
        self._user_id = user_id
        self.idempotency = IdempotencyRecord(connection, idempotency)

    async def learner(self) -> Learner:
        """Implements StreakWork.learner."""
        known = await read_learner(self._connection, self._user_id)
        reach(known.applied_through)
        return known

    async def entries(self) -> Sequence[Entry]:
        """Implements StreakWork.entries."""
        return await _entries(self._connection, self._user_id)

    async def keeping(self) -> Keeping:
        """Implements StreakWork.keeping."""
        return await read_keeping(self._connection, self._user_id)

    async def days(self, product: str) -> Sequence[date]:
        """Implements StreakWork.days."""
        row = (
            await self._connection.execute(progress_statements.standing_of(self._user_id, product))
        ).first()
        return rows.to_standing(row).days if row else ()

    async def record(self, entry: E) -> E:
        """Implements StreakWork.record."""
        stored = insert(streak_entry).values(rows.from_entry(self._user_id, entry)).returning(streak_entry)
        row = (await self._connection.execute(stored)).one()
        mine = learner.c.user_id == self._user_id
        await self._connection.execute(update(learner).where(mine).values(book_revision=_NO_REVISION))
        recorded: Any = rows.to_entry(row)
        return recorded  # type: ignore[no-any-return]

    async def commit(self) -> None:
        """Implements StreakWork.commit."""
        await self._connection.commit()


class SqlStreakReader:
    """Implements StreakReader."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def standings(self, user_id: int) -> Mapping[str, Standing]:
        """Implements StreakReader.standings."""
        async with self._engine.connect() as connection:
            found = await connection.execute(select(standing).where(standing.c.user_id == user_id))
            return {row.product: rows.to_standing(row) for row in found}

    async def anybody_outdated(self) -> bool:
        """Implements StreakReader.anybody_outdated."""
        async with self._engine.connect() as connection:
            return bool((await connection.execute(badge_statements.anybody_outdated())).scalar_one())

    async def frozen(self, user_id: int, product: str) -> Sequence[date]:
        """Implements StreakReader.frozen."""
        async with self._engine.connect() as connection:
            row = (await connection.execute(progress_statements.standing_of(user_id, product))).first()
            return row.frozen if row else ()

    async def entries(self, user_id: int) -> Sequence[Entry]:
        """Implements StreakReader.entries."""
        async with self._engine.connect() as connection:
            return await _entries(connection, user_id)

    async def ledger(
        self, user_id: int, product: str, *, after: LedgerPlace | None, limit: int
    ) -> Sequence[FreezeChange]:
        """Implements StreakReader.ledger."""
        async with self._engine.connect() as connection:
            found = await connection.execute(_ledger(user_id, product, after, limit))
            return [FreezeChange(row.event, product, row.day, row.recorded_at, row.place) for row in found]


async def _entries(connection: AsyncConnection, user_id: int) -> Sequence[Entry]:
    return [rows.to_entry(row) for row in await connection.execute(fact_statements.entries_of([user_id]))]


def _ledger(user_id: int, product: str, after: LedgerPlace | None, limit: int) -> Select[Any]:
    """Returns grants and what became of them as one list. A place tells those of one instant apart."""
    grants = select(
        streak_entry.c.source.label("event"),
        streak_entry.c.first_day.label("day"),
        streak_entry.c.recorded_at,
        func.concat("a", cast(streak_entry.c.entry_id, Text)).label("place"),
    ).where(
        streak_entry.c.user_id == user_id,
        streak_entry.c.kind == literal("freeze_granted"),
        streak_entry.c.product == product,
    )
    uses = select(
        freeze_ledger.c.change,
        freeze_ledger.c.day,
        freeze_ledger.c.recorded_at,
        func.concat("b", func.to_char(freeze_ledger.c.id, literal("FM0000000000000000000"))),
    ).where(freeze_ledger.c.user_id == user_id, freeze_ledger.c.product == product)
    changes = union_all(grants, uses).subquery()
    key = changes.c.recorded_at, changes.c.place
    listed = select(changes).order_by(*(column.desc() for column in key)).limit(limit)
    return listed if after is None else listed.where(tuple_(*key) < after)
