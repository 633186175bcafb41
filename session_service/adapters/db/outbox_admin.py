"""The outbox as an operator works on it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncEngine

from service_kit.db.outbox import OutboxRows
from session_service.adapters.db import tables
from session_service.application.outbox import DeadLetter, OutboxState


class SqlOutboxAdmin:
    """Implements outbox.OutboxAdmin."""

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
