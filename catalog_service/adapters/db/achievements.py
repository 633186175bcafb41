"""The statements that read and write achievements."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from catalog_service.adapters.db.statements import put_rows
from catalog_service.adapters.db.tables import achievements
from catalog_service.application.ports.contents import Achievements, LoadCounts
from catalog_service.domain.contents import Achievement

_COLUMNS = (
    achievements.c.achievement_id,
    achievements.c.product,
    achievements.c.type,
    achievements.c.title,
    achievements.c.description,
    achievements.c.metric,
    achievements.c.threshold,
)


class SqlAchievements(Achievements):
    """Achievements in the catalog schema."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def of_product(self, product: str) -> Sequence[Achievement]:
        """Returns a product's achievements by id."""
        query = select(*_COLUMNS).where(achievements.c.product == product)
        rows = await self._connection.execute(query.order_by(achievements.c.achievement_id))
        return [Achievement(*row) for row in rows]

    async def put(self, new: Sequence[Achievement]) -> LoadCounts:
        """Creates or replaces achievements in one statement; rows that are the same are not written."""
        return await put_rows(self._connection, achievements, [asdict(achievement) for achievement in new])
