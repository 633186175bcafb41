"""One transaction of the catalog."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from catalog_service.adapters.db.exercises import SqlExercises
from catalog_service.application.ports import Kind, UnitOfWork, UnitOfWorkFactory


class SqlUnitOfWork:
    """A transaction on one connection."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection
        self.exercises = SqlExercises(connection)
        self.kinds: dict[str, Kind] = {"exercises": self.exercises}

    async def commit(self) -> None:
        """Makes the changes last."""
        await self._connection.commit()


def units_of_work(engine: AsyncEngine) -> UnitOfWorkFactory:
    """Returns what opens a transaction and rolls it back unless it was committed."""

    @asynccontextmanager
    async def unit_of_work() -> AsyncIterator[UnitOfWork]:
        async with engine.connect() as connection:
            yield SqlUnitOfWork(connection)

    return unit_of_work
