"""The table of the outbox, as the relay and operators work on it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncEngine

from service_kit.db.engines import single_statements
from service_kit.db.outbox import LEASE, OutboxRow, OutboxRows
from session_service.adapters.db import tables
from session_service.outbox.ports import DeadLetter, DueEvent, OutboxAdmin, OutboxQueue, OutboxState


class SqlOutboxQueue(OutboxQueue):
    """The outbox as the relay sees it; each method is a transaction."""

    def __init__(self, engine: AsyncEngine, lease: timedelta = LEASE) -> None:
        self._engine = engine
        self._single = single_statements(engine)
        self._lease = lease

    @asynccontextmanager
    async def _rows(self) -> AsyncIterator[OutboxRows]:
        async with self._engine.begin() as connection:
            yield OutboxRows(connection, tables.outbox)

    async def look(self, limit: int) -> Sequence[DueEvent]:
        """Reads due events, in one statement that is its own transaction."""
        async with self._single.connect() as connection:
            return [_to_due(row) for row in await OutboxRows(connection, tables.outbox).look(limit)]

    async def claim(self, event_ids: Sequence[UUID]) -> Sequence[DueEvent]:
        """Leases due events, in one statement that is its own transaction."""
        async with self._single.connect() as connection:
            rows = OutboxRows(connection, tables.outbox)
            return [_to_due(row) for row in await rows.claim(event_ids, self._lease)]

    async def acknowledge(self, event_ids: Sequence[UUID]) -> None:
        """Closes events."""
        async with self._rows() as rows:
            await rows.acknowledge(event_ids)

    async def bury(self, event_id: UUID, reason: str) -> None:
        """Makes an event a dead letter."""
        async with self._rows() as rows:
            await rows.bury(event_id, reason)

    async def retry(self, event_ids: Sequence[UUID], *, counted: bool, wait: timedelta, error: str) -> None:
        """Makes events due again."""
        async with self._rows() as rows:
            await rows.retry(event_ids, counted=counted, wait=wait, error=error)

    async def forget_old(self) -> int:
        """Deletes what is closed for long; returns how many rows."""
        async with self._engine.begin() as connection:
            return await OutboxRows(connection, tables.outbox).forget_old()


def _to_due(row: OutboxRow) -> DueEvent:
    return DueEvent(
        event_id=row.event_id,
        kind=row.kind,
        payload=row.payload,
        attempts=row.attempts,
        user_id=row.user_id,
        subject_id=row.aggregate_id,
        request_id=row.request_id,
    )


class SqlOutboxAdmin(OutboxAdmin):
    """The outbox as operators see it; each method is a transaction."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def state(self) -> OutboxState:
        """Counts."""
        async with self._engine.connect() as connection:
            counted = await OutboxRows(connection, tables.outbox).count()
        return OutboxState(counted.waiting, counted.dead, counted.oldest_waiting)

    async def dead_letters(self, after: tuple[datetime, UUID] | None, limit: int) -> Sequence[DeadLetter]:
        """Reads a part of the dead letters."""
        async with self._engine.connect() as connection:
            rows = await OutboxRows(connection, tables.outbox).dead(after, limit)
        return [
            DeadLetter(
                event_id=row.event_id,
                user_id=row.user_id,
                user_seq=row.user_seq,
                kind=row.kind,
                attempts=row.attempts,
                dead_at=row.dead_at,
                last_error=row.last_error or "",
            )
            for row in rows
        ]

    async def requeue(self, event_ids: Sequence[UUID]) -> int:
        """Gives dead letters a new life."""
        async with self._engine.begin() as connection:
            return await OutboxRows(connection, tables.outbox).requeue_dead(event_ids)
