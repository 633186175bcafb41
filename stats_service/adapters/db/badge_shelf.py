"""Badge definitions as the gRPC server publishes them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from stats_service.adapters.db import badge_statements, rows
from stats_service.adapters.db.tables import badge_definition
from stats_service.application.ports.badge_shelf import BadgeShelf, OpenBadgeShelf
from stats_service.domain.badges import BadgeContent


def open_badge_shelf(engine: AsyncEngine) -> OpenBadgeShelf:
    """Returns what opens a transaction on the definitions, alone with them."""

    @asynccontextmanager
    async def opened() -> AsyncIterator[BadgeShelf]:
        async with engine.connect() as connection:
            await connection.execute(badge_statements.change_book())
            yield SqlBadgeShelf(connection)

    return opened


class SqlBadgeShelf:
    """Implements BadgeShelf."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def newest(self) -> Mapping[str, tuple[int, BadgeContent]]:
        """Implements BadgeShelf.newest."""
        found = await self._connection.execute(badge_statements.newest_versions())
        return {row.badge_id: (row.version, rows.to_badge_content(row)) for row in found}

    async def ever_active(self) -> Collection[str]:
        """Implements BadgeShelf.ever_active."""
        found = select(badge_definition.c.badge_id).where(badge_definition.c.state == "active").distinct()
        return (await self._connection.execute(found)).scalars().all()

    async def publish(self, badges: Sequence[tuple[int, BadgeContent]]) -> None:
        """Implements BadgeShelf.publish."""
        revision = (await self._connection.execute(badge_statements.book_revision())).scalar_one() + 1
        await self._connection.execute(
            badge_statements.replace_versions([badge.badge_id for _, badge in badges])
        )
        await self._connection.execute(
            badge_statements.add_versions(),
            [{"version": version, "revision": revision, **asdict(badge)} for version, badge in badges],
        )

    async def anybody_outdated(self) -> bool:
        """Implements BadgeShelf.anybody_outdated."""
        return bool((await self._connection.execute(badge_statements.anybody_outdated())).scalar_one())

    async def commit(self) -> None:
        """Implements BadgeShelf.commit."""
        await self._connection.commit()
