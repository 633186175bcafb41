"""The statements that count attempts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from identity_service.adapters.db.tables import attempts
from identity_service.application.ports.accounts import Attempts


class SqlAttempts(Attempts):
    """Counted attempts in the identity schema, a row for each subject."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def read(self, subject: bytes) -> Sequence[datetime]:
        """Returns the times on record."""
        query = select(attempts.c.times).where(attempts.c.subject == subject)
        return await self._connection.scalar(query) or ()

    async def lock(self, subject: bytes, now: datetime) -> Sequence[datetime]:
        """Returns the times on record with their row locked, also when nothing was on record."""
        statement = insert(attempts).values(subject=subject, times=[], expires_at=now)
        # The update changes nothing and takes the lock; DO NOTHING would not.
        locked = statement.on_conflict_do_update(
            index_elements=[attempts.c.subject], set_={"subject": statement.excluded.subject}
        ).returning(attempts.c.times)
        times: Sequence[datetime] = (await self._connection.execute(locked)).scalar_one()
        return times

    async def write(self, subject: bytes, times: Sequence[datetime], expires_at: datetime) -> None:
        """Replaces the times of a locked subject."""
        statement = update(attempts).where(attempts.c.subject == subject)
        await self._connection.execute(statement.values(times=list(times), expires_at=expires_at))

    async def delete_expired(self, now: datetime) -> int:
        """Deletes what expired; returns how many."""
        return (await self._connection.execute(delete(attempts).where(attempts.c.expires_at <= now))).rowcount
