"""One transaction of identity."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from identity_service.adapters.db.accounts import SqlAccounts, SqlAttempts, SqlRefreshTokens
from identity_service.adapters.db.erasures import SqlErasures
from identity_service.adapters.db.tables import idempotency
from identity_service.application.ports.unit_of_work import UnitOfWork, UnitOfWorkFactory
from service_kit.db.idempotency import IdempotencyRecord


class SqlUnitOfWork(UnitOfWork):
    """A transaction on one connection."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection
        self.accounts = SqlAccounts(connection)
        self.refresh_tokens = SqlRefreshTokens(connection)
        self.attempts = SqlAttempts(connection)
        self.erasures = SqlErasures(connection)
        self.idempotency = IdempotencyRecord(connection, idempotency)

    async def commit(self) -> None:
        """Makes the changes last."""
        await self._connection.commit()

    async def rollback(self) -> None:
        """Undoes the changes and begins anew."""
        await self._connection.rollback()


def units_of_work(engine: AsyncEngine) -> UnitOfWorkFactory:
    """Returns what opens a transaction and rolls it back unless it was committed."""

    @asynccontextmanager
    async def unit_of_work() -> AsyncIterator[UnitOfWork]:
        async with engine.connect() as connection:
            yield SqlUnitOfWork(connection)

    return unit_of_work
