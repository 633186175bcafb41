"""Badge definitions as the gRPC server reads them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, Select, select, tuple_
from sqlalchemy.ext.asyncio import AsyncEngine

from stats_service.adapters.db import badge_statements, rows
from stats_service.adapters.db.tables import badge_definition
from stats_service.application.ports.badges import PublishedVersion, VersionKey

_PLACE = (badge_definition.c.badge_id, badge_definition.c.version)


class SqlBadgeReader:
    """Implements BadgeReader."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def newest(self) -> Sequence[PublishedVersion]:
        """Implements BadgeReader.newest."""
        return await self._read(badge_statements.newest_versions().order_by(*_PLACE))

    async def versions(
        self, *, badge_id: str, newest_only: bool, after: VersionKey | None, limit: int
    ) -> Sequence[PublishedVersion]:
        """Implements BadgeReader.versions."""
        chosen = select(badge_definition).order_by(*_PLACE).limit(limit)
        if badge_id:
            chosen = chosen.where(badge_definition.c.badge_id == badge_id)
        if newest_only:
            chosen = chosen.where(badge_definition.c.replaced_at.is_(None))
        if after is not None:
            chosen = chosen.where(tuple_(*_PLACE) > after)
        return await self._read(chosen)

    async def _read(self, statement: Select[Any]) -> Sequence[PublishedVersion]:
        async with self._engine.connect() as connection:
            return [_to_version(row) for row in await connection.execute(statement)]


def _to_version(row: Row[Any]) -> PublishedVersion:
    return PublishedVersion(row.version, rows.to_badge_content(row), row.replaced_at)
