"""One transaction of the catalog."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from catalog_service.adapters.db.contents import (
    SqlAchievements,
    SqlActivities,
    SqlExercises,
    SqlSequences,
    SqlWords,
)
from catalog_service.adapters.db.problems import SqlProblems
from catalog_service.adapters.db.tables import idempotency
from catalog_service.application.ports.unit_of_work import UnitOfWork, UnitOfWorkFactory
from service_kit.db.idempotency import IdempotencyRecord

# The platform's number for this advisory lock.
_LOADS = 7_241_992


class SqlUnitOfWork(UnitOfWork):
    """A transaction on one connection."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection
        self.exercises = SqlExercises(connection)
        self.activities = SqlActivities(connection)
        self.words = SqlWords(connection)
        self.sequences = SqlSequences(connection)
        self.achievements = SqlAchievements(connection)
        self.problems = SqlProblems(connection)
        self.answered = {"exercises": self.exercises, "words": self.words}
        self.practised = {
            "activities": self.activities,
            "sequences": self.sequences,
            "problems": self.problems,
        }
        self.idempotency = IdempotencyRecord(connection, idempotency)

    async def wait_for_other_loads(self) -> None:
        """Keeps out other loads that ask for the same until the commit, once those under way are done."""
        await self._connection.execute(select(func.pg_advisory_xact_lock(_LOADS)))

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
