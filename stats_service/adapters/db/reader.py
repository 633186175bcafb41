"""Statistics as the gRPC server reads them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import CompoundSelect, Row, Select, Text, cast, func, literal, select, tuple_, union_all
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from typing_extensions import override

from service_kit.db.engines import single_statements
from stats_service.adapters.db import badge_statements, fact_statements, progress_statements, rows
from stats_service.adapters.db.tables import badge_definition, freeze_ledger, standing, streak_entry
from stats_service.application.ports.badges import PublishedVersion
from stats_service.application.ports.reading import AwardedBadge, FreezeChange, Learner, LedgerPlace, Reader
from stats_service.domain.calendar import Calendar
from stats_service.domain.protection import Entry, ProductDay, StreakProtection
from stats_service.domain.standing import Standing, Tally

_LATER = timedelta(days=2)


class SqlReader(Reader):
    """Reads committed statistics from PostgreSQL."""

    def __init__(self, engine: AsyncEngine, connection: AsyncConnection | None = None) -> None:
        """Reads on the connection where there is one, otherwise each time on one of the engine's."""
        self._engine = engine
        self._single = single_statements(engine)
        self._connection = connection

    @asynccontextmanager
    @override
    async def at_one_moment(self) -> AsyncIterator[Reader]:
        moment = self._engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        async with moment.connect() as connection:
            yield SqlReader(self._engine, connection)

    @override
    async def learner(self, user_id: int) -> Learner:
        async with self._connected() as connection:
            return await read_learner(connection, user_id)

    @override
    async def applied_through(self, user_ids: Collection[int]) -> Mapping[int, int]:
        found = await self._all(progress_statements.applied_through(user_ids))
        return {row.user_id: row.applied_through for row in found}

    @override
    async def protection(self, user_id: int) -> StreakProtection:
        async with self._connected() as connection:
            return await read_protection(connection, user_id)

    @override
    async def standing(self, user_id: int, product: str) -> Standing:
        found = await self._all(progress_statements.standing_of(user_id, product))
        return rows.standing_from_row(found[0]) if found else Standing()

    @override
    async def standings(self, user_id: int) -> Mapping[str, Standing]:
        found = await self._all(select(standing).where(standing.c.user_id == user_id))
        return {row.product: rows.standing_from_row(row) for row in found}

    @override
    async def days(self, user_id: int, product: str, first: date, last: date) -> Sequence[tuple[date, Tally]]:
        found = await self._all(progress_statements.days_between(user_id, product, first, last))
        return [(row.local_date, rows.tally_from_row(row)) for row in found]

    @override
    async def awards(self, user_id: int, *, product: str = "", session_id: int = 0) -> Sequence[AwardedBadge]:
        found = await self._all(
            progress_statements.awarded_badges(user_id, product=product, session_id=session_id)
        )
        return [rows.awarded_badge_from_row(row) for row in found]

    @override
    async def newest_badges(self) -> Sequence[PublishedVersion]:
        newest = badge_statements.newest_versions().order_by(badge_definition.c.badge_id)
        return [rows.published_version_from_row(row) for row in await self._all(newest)]

    @override
    async def applied(self, event_ids: Collection[UUID]) -> Collection[UUID]:
        return [row.event_id for row in await self._all(fact_statements.applied(event_ids))]

    @override
    async def rejected(self, event_ids: Collection[UUID]) -> Mapping[UUID, str]:
        return {row.event_id: row.reason for row in await self._all(fact_statements.rejected(event_ids))}

    @override
    async def anybody_outdated(self) -> bool:
        (row,) = await self._all(badge_statements.anybody_outdated())
        return bool(row[0])

    @override
    async def frozen(self, user_id: int, product: str) -> Sequence[date]:
        found = await self._all(progress_statements.standing_of(user_id, product))
        return found[0].frozen if found else ()

    @override
    async def entries(self, user_id: int) -> Sequence[Entry]:
        async with self._connected() as connection:
            return await read_entries(connection, user_id)

    @override
    async def ledger(
        self, user_id: int, product: str, *, after: LedgerPlace | None, limit: int
    ) -> Sequence[FreezeChange]:
        found = await self._all(_ledger(user_id, product, after, limit))
        return [FreezeChange(row.event, product, row.day, row.recorded_at, row.place) for row in found]

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[AsyncConnection]:
        if self._connection is not None:
            yield self._connection
            return
        async with self._single.connect() as connection:
            yield connection

    async def _all(self, statement: Select[Any] | CompoundSelect[Any]) -> Sequence[Row[Any]]:
        async with self._connected() as connection:
            found: Sequence[Row[Any]] = (await connection.execute(statement)).all()
        return found


async def read_learner(connection: AsyncConnection, user_id: int) -> Learner:
    """Returns what is known of a learner; nothing counted for one never heard of."""
    row = (await connection.execute(progress_statements.learner_of(user_id))).first()
    if row is None:
        return Learner(Calendar(), 0)
    return Learner(Calendar(row.time_zone, row.rollover_hour), row.applied_through)


async def read_protection(connection: AsyncConnection, user_id: int) -> StreakProtection:
    """Returns what keeps a learner's streaks."""
    told = (await connection.execute(fact_statements.timeline_of(user_id))).all()
    entries = (await connection.execute(fact_statements.entries_of([user_id]))).all()
    signed_up = (await connection.execute(fact_statements.sign_up_of(user_id))).scalar_one()
    timeline = [(row.instant, Calendar(row.time_zone, row.rollover_hour)) for row in told]
    synced = await read_synced_days(connection, user_id, signed_up)
    return StreakProtection.of(timeline, map(rows.entry_from_row, entries), signed_up, synced)


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


async def read_entries(connection: AsyncConnection, user_id: int) -> Sequence[Entry]:
    """Returns everything recorded about a learner, in the order of its recording."""
    return [
        rows.entry_from_row(row) for row in await connection.execute(fact_statements.entries_of([user_id]))
    ]


def _ledger(user_id: int, product: str, after: LedgerPlace | None, limit: int) -> Select[Any]:
    """Returns grants and what became of them as one list. A place tells those of one instant apart."""
    grants = select(
        streak_entry.c.source.label("event"),
        streak_entry.c.first_day.label("day"),
        streak_entry.c.recorded_at,
        func.concat("a", cast(streak_entry.c.entry_id, Text)).label("place"),
    ).where(
        streak_entry.c.user_id == user_id,
        streak_entry.c.kind == literal("freeze_granted"),
        streak_entry.c.product == product,
    )
    uses = select(
        freeze_ledger.c.change,
        freeze_ledger.c.day,
        freeze_ledger.c.recorded_at,
        func.concat("b", func.to_char(freeze_ledger.c.id, literal("FM0000000000000000000"))),
    ).where(freeze_ledger.c.user_id == user_id, freeze_ledger.c.product == product)
    changes = union_all(grants, uses).subquery()
    key = changes.c.recorded_at, changes.c.place
    listed = select(changes).order_by(*(column.desc() for column in key)).limit(limit)
    return listed if after is None else listed.where(tuple_(*key) < after)
