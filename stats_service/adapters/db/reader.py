"""Statistics as the gRPC server reads them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Generator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Generic, TypeVar
from uuid import UUID

from sqlalchemy import Date, Row, Select, Text, cast, func, literal, select, tuple_, union_all
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from typing_extensions import override

from service_kit.call import reach
from service_kit.db.engines import single_statements
from service_kit.db.one_statement import Query, Statement, read, read_together
from stats_service.adapters.db import badge_statements, fact_statements, progress_statements, rows
from stats_service.adapters.db.tables import badge_definition, freeze_ledger, standing, streak_entry
from stats_service.application.ports.badges import PublishedVersion
from stats_service.application.ports.reading import AwardedBadge, FreezeChange, Learner, LedgerPlace, Reader
from stats_service.domain.calendar import Calendar
from stats_service.domain.protection import Entry, ProductDay, StreakProtection
from stats_service.domain.standing import Standing, Tally

T = TypeVar("T")

_LATER = timedelta(days=2)


@dataclass(frozen=True, slots=True)
class SqlRead(Generic[T]):
    """Something that is read when it is awaited, or together with others."""

    engine: AsyncEngine
    query: Query[T]

    def __await__(self) -> Generator[Any, None, T]:
        return self._read().__await__()

    async def _read(self) -> T:
        async with self.engine.connect() as connection:
            return await read(connection, self.query)


def read_of(
    engine: AsyncEngine, statement: Statement, value_of: Callable[[Sequence[Row[Any]]], T]
) -> SqlRead[T]:
    """Returns the read of what the rows of one statement say."""
    return SqlRead(engine, Query((statement,), value_of))


class SqlReader(Reader):
    """Reads committed statistics from PostgreSQL, in one statement whatever is read together."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = single_statements(engine)

    @override
    async def together(self, *reads: Any) -> Any:
        async with self._engine.connect() as connection:
            return await read_together(connection, [each.query for each in reads])

    @override
    def learner(self, user_id: int) -> SqlRead[Learner]:
        return SqlRead(self._engine, learner_query(user_id))

    @override
    def applied_through(self, user_ids: Collection[int]) -> SqlRead[Mapping[int, int]]:
        return self._all(
            progress_statements.applied_through(user_ids),
            lambda found: {row.user_id: row.applied_through for row in found},
        )

    @override
    def protection(self, user_id: int) -> SqlRead[StreakProtection]:
        return SqlRead(self._engine, protection_query(user_id))

    @override
    def standing(self, user_id: int, product: str) -> SqlRead[Standing]:
        return self._all(
            progress_statements.standing_of(user_id, product),
            lambda found: rows.standing_from_row(found[0]) if found else Standing(),
        )

    @override
    def standings(self, user_id: int) -> SqlRead[Mapping[str, Standing]]:
        mine = select(standing).where(standing.c.user_id == user_id)
        return self._all(mine, lambda found: {row.product: rows.standing_from_row(row) for row in found})

    @override
    def days(
        self, user_id: int, product: str, first: date, last: date
    ) -> SqlRead[Sequence[tuple[date, Tally]]]:
        return self._all(
            progress_statements.days_between(user_id, product, first, last),
            lambda found: [(row.local_date, rows.tally_from_row(row)) for row in found],
        )

    @override
    def awards(
        self, user_id: int, *, product: str = "", session_id: int = 0
    ) -> SqlRead[Sequence[AwardedBadge]]:
        return self._all(
            progress_statements.awarded_badges(user_id, product=product, session_id=session_id),
            lambda found: [rows.awarded_badge_from_row(row) for row in found],
        )

    @override
    def newest_badges(self) -> SqlRead[Sequence[PublishedVersion]]:
        return self._all(
            badge_statements.newest_versions().order_by(badge_definition.c.badge_id),
            lambda found: [rows.published_version_from_row(row) for row in found],
        )

    @override
    def applied(self, event_ids: Collection[UUID]) -> SqlRead[Collection[UUID]]:
        return self._all(fact_statements.applied(event_ids), lambda found: [row.event_id for row in found])

    @override
    def rejected(self, event_ids: Collection[UUID]) -> SqlRead[Mapping[UUID, str]]:
        return self._all(
            fact_statements.rejected(event_ids), lambda found: {row.event_id: row.reason for row in found}
        )

    @override
    def anybody_outdated(self) -> SqlRead[bool]:
        return self._all(badge_statements.anybody_outdated(), lambda found: bool(found[0][0]))

    @override
    def frozen(self, user_id: int, product: str) -> SqlRead[Sequence[date]]:
        return self._all(
            progress_statements.standing_of(user_id, product), lambda found: found[0].frozen if found else ()
        )

    @override
    def entries(self, user_id: int) -> SqlRead[Sequence[Entry]]:
        return SqlRead(self._engine, entries_query(user_id))

    @override
    def ledger(
        self, user_id: int, product: str, *, after: LedgerPlace | None, limit: int
    ) -> SqlRead[Sequence[FreezeChange]]:
        return self._all(
            _ledger(user_id, product, after, limit),
            lambda found: [
                FreezeChange(row.event, product, row.day, row.recorded_at, row.place) for row in found
            ],
        )

    def _all(self, statement: Statement, value_of: Callable[[Sequence[Row[Any]]], T]) -> SqlRead[T]:
        return read_of(self._engine, statement, value_of)


def learner_query(user_id: int) -> Query[Learner]:
    """Reads what is known of a learner; nothing counted for one never heard of."""

    def learner(found: Sequence[Row[Any]]) -> Learner:
        known = Learner(Calendar(), 0)
        for row in found:
            known = Learner(Calendar(row.time_zone, row.rollover_hour), row.applied_through)
        reach(known.applied_through, known.calendar.time_zone)
        return known

    return Query((progress_statements.learner_of(user_id),), learner)


def protection_query(user_id: int) -> Query[StreakProtection]:
    """Reads what keeps a learner's streaks."""
    sign_up = fact_statements.sign_up_of(user_id)
    # In no zone is the sign-up on a later day than this one.
    before = cast(func.timezone("UTC", sign_up.scalar_subquery()), Date) + _LATER.days
    statements = (
        fact_statements.timeline_of(user_id),
        fact_statements.entries_of([user_id]),
        sign_up,
        fact_statements.synced_days_of(user_id, before),
    )

    def protection(told: Any, entries: Any, signed_up: Any, synced: Any) -> StreakProtection:
        timeline = [(row.instant, Calendar(row.time_zone, row.rollover_hour)) for row in told]
        days = [(row.product, row.local_date) for row in synced]
        return StreakProtection.of(timeline, map(rows.entry_from_row, entries), signed_up[0][0], days)

    return Query(statements, protection)


def entries_query(user_id: int) -> Query[Sequence[Entry]]:
    """Reads everything recorded about a learner, in the order of its recording."""
    return Query(
        (fact_statements.entries_of([user_id]),), lambda found: [rows.entry_from_row(row) for row in found]
    )


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
