"""Badge definitions as the gRPC server reads and publishes them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict

from sqlalchemy import select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from typing_extensions import override

from stats_service.adapters.db import badge_statements, rows
from stats_service.adapters.db.tables import badge_definition
from stats_service.application.ports.badges import (
    BadgePublication,
    BadgeReader,
    OpenBadgePublication,
    PublishedVersion,
    VersionKey,
)
from stats_service.domain.badges import BadgeContent

_PLACE = (badge_definition.c.badge_id, badge_definition.c.version)


class SqlBadgeReader(BadgeReader):
    """Reads badge definitions from PostgreSQL."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    @override
    async def versions(
        self, *, badge_id: str, newest_only: bool, after: VersionKey | None, limit: int
    ) -> Sequence[PublishedVersion]:
        chosen = select(badge_definition).order_by(*_PLACE).limit(limit)
        if badge_id:
            chosen = chosen.where(badge_definition.c.badge_id == badge_id)
        if newest_only:
            chosen = chosen.where(badge_definition.c.replaced_at.is_(None))
        if after is not None:
            chosen = chosen.where(tuple_(*_PLACE) > after)
        async with self._engine.connect() as connection:
            return [rows.published_version_from_row(row) for row in await connection.execute(chosen)]


def open_badge_publication(engine: AsyncEngine) -> OpenBadgePublication:
    """Returns what opens a transaction on the definitions, alone with them."""

    @asynccontextmanager
    async def opened() -> AsyncIterator[BadgePublication]:
        async with engine.connect() as connection:
            await connection.execute(badge_statements.lock_catalogue())
            yield SqlBadgePublication(connection)

    return opened


class SqlBadgePublication(BadgePublication):
    """A transaction in PostgreSQL that is alone with badge definitions."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    @override
    async def newest(self) -> Mapping[str, tuple[int, BadgeContent]]:
        found = await self._connection.execute(badge_statements.newest_versions())
        return {row.badge_id: (row.version, rows.badge_content_from_row(row)) for row in found}

    @override
    async def ever_active(self) -> Collection[str]:
        found = select(badge_definition.c.badge_id).where(badge_definition.c.state == "active").distinct()
        return (await self._connection.execute(found)).scalars().all()

    @override
    async def publish(self, badges: Sequence[tuple[int, BadgeContent]]) -> None:
        revision = (await self._connection.execute(badge_statements.catalogue_revision())).scalar_one() + 1
        await self._connection.execute(
            badge_statements.replace_versions([badge.badge_id for _, badge in badges])
        )
        await self._connection.execute(
            badge_statements.add_versions(),
            [{"version": version, "revision": revision, **asdict(badge)} for version, badge in badges],
        )

    @override
    async def anybody_outdated(self) -> bool:
        return bool((await self._connection.execute(badge_statements.anybody_outdated())).scalar_one())

    @override
    async def commit(self) -> None:
        await self._connection.commit()
