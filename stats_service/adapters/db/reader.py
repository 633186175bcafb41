"""Statistics as the gRPC server reads them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import CompoundSelect, Row, Select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from stats_service.adapters.db import fact_statements, progress_statements, rows
from stats_service.application.ports.reading import AwardedBadge, Learner
from stats_service.domain.calendar import Calendar
from stats_service.domain.keeping import Keeping, ProductDay
from stats_service.domain.standing import Standing, Tally

_LATER = timedelta(days=2)


class SqlReader:
    """Implements Reader."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def learner(self, user_id: int) -> Learner:
        """Implements Reader.learner."""
        async with self._engine.connect() as connection:
            return await read_learner(connection, user_id)

    async def keeping(self, user_id: int) -> Keeping:
        """Implements Reader.keeping."""
        async with self._engine.connect() as connection:
            return await read_keeping(connection, user_id)

    async def standing(self, user_id: int, product: str) -> Standing:
        """Implements Reader.standing."""
        found = await self._all(progress_statements.standing_of(user_id, product))
        return rows.to_standing(found[0]) if found else Standing()

    async def days(self, user_id: int, product: str, first: date, last: date) -> Sequence[tuple[date, Tally]]:
        """Implements Reader.days."""
        found = await self._all(progress_statements.days_between(user_id, product, first, last))
        return [(row.local_date, rows.to_tally(row)) for row in found]

    async def awards(self, user_id: int, *, product: str = "", session_id: int = 0) -> Sequence[AwardedBadge]:
        """Implements Reader.awards."""
        found = await self._all(
            progress_statements.awarded_badges(user_id, product=product, session_id=session_id)
        )
        return [rows.to_awarded_badge(row) for row in found]

    async def applied(self, event_ids: Collection[UUID]) -> Collection[UUID]:
        """Implements Reader.applied."""
        return [row.event_id for row in await self._all(fact_statements.applied(event_ids))]

    async def rejected(self, event_ids: Collection[UUID]) -> Mapping[UUID, str]:
        """Implements Reader.rejected."""
        return {row.event_id: row.reason for row in await self._all(fact_statements.rejected(event_ids))}

    async def _all(self, statement: Select[Any] | CompoundSelect[Any]) -> Sequence[Row[Any]]:
        async with self._engine.connect() as connection:
            found: Sequence[Row[Any]] = (await connection.execute(statement)).all()
        return found


async def read_learner(connection: AsyncConnection, user_id: int) -> Learner:
    """Returns what is known of a person; nothing counted for one never heard of."""
    row = (await connection.execute(progress_statements.learner_of(user_id))).first()
    if row is None:
        return Learner(Calendar(), 0)
    return Learner(Calendar(row.time_zone, row.rollover_hour), row.applied_through)


async def read_keeping(connection: AsyncConnection, user_id: int) -> Keeping:
    """Returns what keeps a person's streaks."""
    told = (await connection.execute(fact_statements.timeline_of(user_id))).all()
    entries = (await connection.execute(fact_statements.entries_of([user_id]))).all()
    signed_up = (await connection.execute(fact_statements.sign_up_of(user_id))).scalar_one()
    timeline = [(row.instant, Calendar(row.time_zone, row.rollover_hour)) for row in told]
    synced = await read_synced_days(connection, user_id, signed_up)
    return Keeping.of(timeline, map(rows.to_entry, entries), signed_up, synced)


async def read_synced_days(
    connection: AsyncConnection, user_id: int, signed_up: datetime | None, at: datetime | None = None
) -> Sequence[ProductDay]:
    """Returns the days of synced sessions that may be from before a sign-up, as known at an instant."""
    if signed_up is None:
        return []
    # In no zone is the sign-up on a later day than this one.
    before = signed_up.astimezone(UTC).date() + _LATER
    found = await connection.execute(fact_statements.synced_days_of(user_id, before, at))
    return [(row.product, row.local_date) for row in found]
