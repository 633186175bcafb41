"""How people take part in leaderboards, as the gRPC server keeps it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import Insert, insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from service_kit.db.faults import is_taken
from service_kit.db.idempotency import IdempotencyRecord
from service_kit.visible_text import appearance
from stats_service.adapters.db.tables import idempotency, leaderboard_settings
from stats_service.application.ports.leaderboards import LeaderboardSettings, OpenSettings, SettingsWork
from stats_service.domain.errors import AliasTakenError


def open_settings(engine: AsyncEngine) -> OpenSettings:
    """Returns what opens a transaction and rolls it back unless it was committed."""

    @asynccontextmanager
    async def opened() -> AsyncIterator[SettingsWork]:
        async with engine.connect() as connection:
            yield SqlSettingsWork(connection)

    return opened


def forgetting_requests(engine: AsyncEngine) -> Callable[[], Awaitable[int]]:
    """Returns what deletes old idempotency keys and counts them."""

    async def forget() -> int:
        async with engine.begin() as connection:
            return await IdempotencyRecord(connection, idempotency).forget_old()

    return forget


class SqlSettingsWork:
    """Implements SettingsWork."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection
        self.idempotency = IdempotencyRecord(connection, idempotency)

    async def find(self, user_id: int) -> LeaderboardSettings:
        """Implements SettingsWork.find."""
        mine = select(leaderboard_settings).where(leaderboard_settings.c.user_id == user_id)
        row = (await self._connection.execute(mine)).first()
        return LeaderboardSettings(row.alias, row.opted_out) if row else LeaderboardSettings()

    async def change(self, user_id: int, alias: str | None, opted_out: bool | None) -> LeaderboardSettings:
        """Implements SettingsWork.change."""
        # One statement: of changes at the same time to different settings both stay.
        said: dict[str, str | bool | None] = {}
        if alias is not None:
            said |= {"alias": alias, "alias_appearance": appearance(alias) or None}
        if opted_out is not None:
            said["opted_out"] = opted_out
        if said:
            put = insert(leaderboard_settings).values(user_id=user_id, **said)
            put = put.on_conflict_do_update(index_elements=["user_id"], set_=said)
            await self._put(put)
        return await self.find(user_id)

    async def _put(self, statement: Insert) -> None:
        try:
            await self._connection.execute(statement)
        except IntegrityError as error:
            # The only one that a person can run into: the key is what the statement resolves.
            if is_taken(error):
                raise AliasTakenError from None
            raise

    async def commit(self) -> None:
        """Implements SettingsWork.commit."""
        await self._connection.commit()
