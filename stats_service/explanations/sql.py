"""Facts as explanations need them: of one learner, as they were known at an instant."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Row, Select, Subquery, and_, cast, exists, func, or_, select
from sqlalchemy.ext.asyncio import AsyncEngine
from typing_extensions import override

from stats_service.adapters.db import fact_statements, rows
from stats_service.adapters.db.fact_statements import counted_facts, sums_of
from stats_service.adapters.db.reader import read_synced_days
from stats_service.adapters.db.tables import (
    awarded_badge,
    badge_definition,
    calendar_change,
    completion,
    learner,
    streak_entry,
)
from stats_service.domain.calendar import Calendar
from stats_service.domain.completion import ALL_PRODUCTS
from stats_service.domain.facts import Facts, LearnerFacts
from stats_service.domain.standing import Tally
from stats_service.explanations.domain import PracticeAsOf, SessionAsOf
from stats_service.explanations.ports import BadgeRecord, DaySessions, ExplanationReader, Total

# Rows that are read before others have a turn.
_PART = 500
_SESSION = tuple(completion.c[name] for name in SessionAsOf.__slots__)


class SqlExplanationReader(ExplanationReader):
    """Reads facts from PostgreSQL as of an instant."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    @override
    async def has_facts(self, user_id: int) -> bool:
        facts = (completion, calendar_change, streak_entry)
        (row,) = await self._all(select(or_(*(exists().where(kind.c.user_id == user_id) for kind in facts))))
        return bool(row[0])

    @override
    async def practice_as_of(self, user_id: int, product: str, at: datetime | None) -> PracticeAsOf:
        practised = select(completion.c.local_date).distinct().order_by(completion.c.local_date)
        mine = _of(user_id, product, at)
        unanswered = completion.c.outcome == "completed", ~completion.c.counts
        async with self._engine.connect() as connection:
            days = await connection.execute(practised.where(completion.c.counts, *mine))
            idle = await connection.execute(practised.where(*unanswered, *mine))
            told = await connection.execute(fact_statements.timeline_of(user_id, at))
            recorded = await connection.execute(fact_statements.entries_of([user_id]))
            signed_up = (await connection.execute(fact_statements.sign_up_of(user_id, at))).scalar_one()
            synced = await read_synced_days(connection, user_id, signed_up, at)
            entries = [rows.entry_from_row(row) for row in recorded if at is None or row.recorded_at <= at]
            return PracticeAsOf(
                product=product,
                days=days.scalars().all(),
                timeline=[(row.instant, Calendar(row.time_zone, row.rollover_hour)) for row in told],
                entries=entries,
                sign_up_time=signed_up,
                synced=synced,
                unanswered=idle.scalars().all(),
            )

    @override
    async def sessions(
        self, user_id: int, product: str, first: date, last: date, at: datetime | None, *, most_a_day: int
    ) -> Mapping[date, DaySessions]:
        order = completion.c.end_time, completion.c.event_id
        place = func.row_number().over(partition_by=completion.c.local_date, order_by=order)
        count = func.count().over(partition_by=completion.c.local_date)
        chosen = select(*_SESSION, place.label("place"), count.label("of_day")).where(
            completion.c.local_date.between(first, last), *_of(user_id, product, at)
        )
        listed = chosen.subquery()
        some = (
            select(listed).where(listed.c.place <= most_a_day).order_by(listed.c.local_date, listed.c.place)
        )
        found: dict[date, tuple[int, list[SessionAsOf]]] = {}
        for row in await self._all(some):
            found.setdefault(row.local_date, (row.of_day, []))[1].append(_session_from_row(row))
        return {day: DaySessions(of_day, sessions) for day, (of_day, sessions) in found.items()}

    @override
    async def total(self, user_id: int, product: str, at: datetime | None) -> Total:
        counted = counted_facts(*_of(user_id, ALL_PRODUCTS, at))
        day, cut = counted.c.local_date, counted.c.elapsed_seconds - counted.c.counted_seconds
        columns: list[ColumnElement[Any]] = [
            *sums_of(counted),
            func.count(day.distinct()).label("days"),
            func.min(day).label("first"),
            func.max(day).label("last"),
            func.count().filter(cut > 0).label("cut_sessions"),
            cast(func.coalesce(func.sum(cut), 0), BigInteger).label("cut_seconds"),
        ]
        counting = _of_product(select(*columns).select_from(counted), counted, product)
        others = (
            select(completion.c.outcome, func.count().label("sessions"))
            .where(~completion.c.counts, *_of(user_id, product, at))
            .group_by(completion.c.outcome)
        )
        (sums,) = await self._all(counting)
        left_out = {row.outcome: row.sessions for row in await self._all(others)}
        cut_out = (sums.cut_sessions, sums.cut_seconds)
        return Total(rows.tally_from_row(sums), sums.days, sums.first, sums.last, left_out, cut_out)

    @override
    async def days(
        self, user_id: int, product: str, after: date | None, at: datetime | None, *, limit: int
    ) -> Sequence[tuple[date, Tally]]:
        counted = counted_facts(*_of(user_id, ALL_PRODUCTS, at), *_between(after, None))
        day = counted.c.local_date
        days = select(day, *sums_of(counted)).select_from(counted).group_by(day).order_by(day).limit(limit)
        found = await self._all(_of_product(days, counted, product))
        return [(row.local_date, rows.tally_from_row(row)) for row in found]

    @override
    async def left_out(
        self,
        user_id: int,
        product: str,
        after: date | None,
        last: date | None,
        at: datetime | None,
        *,
        limit: int,
    ) -> Sequence[SessionAsOf]:
        chosen = (
            select(*_SESSION)
            .where(~completion.c.counts, *_of(user_id, product, at), *_between(after, last))
            .order_by(completion.c.local_date, completion.c.end_time, completion.c.event_id)
            .limit(limit)
        )
        return [_session_from_row(row) for row in await self._all(chosen)]

    @override
    async def badge(self, user_id: int, badge_id: str) -> BadgeRecord | None:
        mine = and_(awarded_badge.c.badge_id == badge_id, awarded_badge.c.user_id == user_id)
        revision = select(learner.c.catalogue_revision).where(learner.c.user_id == user_id).scalar_subquery()
        chosen = (
            select(badge_definition, awarded_badge.c.user_seq, revision.label("catalogue_revision"))
            .select_from(
                badge_definition.outerjoin(
                    awarded_badge, and_(mine, awarded_badge.c.version == badge_definition.c.version)
                )
            )
            .where(badge_definition.c.badge_id == badge_id)
            # The version that was earned, or else the newest.
            .order_by(awarded_badge.c.user_seq.is_(None), badge_definition.c.version.desc())
            .limit(1)
        )
        found = await self._all(chosen)
        if not found:
            return None
        row = found[0]
        return BadgeRecord(
            row.version, rows.badge_content_from_row(row), row.catalogue_revision or 0, row.user_seq
        )

    @override
    async def practice(self, user_id: int) -> tuple[Facts, Mapping[int, LearnerFacts]]:
        async with self._engine.connect() as connection:
            # Not all at once: ten thousand take a tenth of a second, and the event loop must not wait.
            streamed = await connection.stream(fact_statements.facts_of(user_id))
            completions = [row async for part in streamed.partitions(_PART) for row in part]
            changes = (await connection.execute(fact_statements.calendar_changes_of([user_id]))).all()
            entries = (await connection.execute(fact_statements.entries_of([user_id]))).all()
        return await asyncio.to_thread(
            lambda: (
                Facts.of(map(rows.completion_from_row, completions)),
                rows.learner_facts_from_rows(changes, entries),
            )
        )

    @override
    async def session(self, user_id: int, user_seq: int) -> SessionAsOf:
        mine = completion.c.user_id == user_id, completion.c.user_seq == user_seq
        (row,) = await self._all(select(*_SESSION).where(*mine))
        return _session_from_row(row)

    async def _all(self, statement: Select[Any]) -> Sequence[Row[Any]]:
        async with self._engine.connect() as connection:
            found: Sequence[Row[Any]] = (await connection.execute(statement)).all()
        return found


def _of(user_id: int, product: str, at: datetime | None) -> Sequence[ColumnElement[bool]]:
    """Returns the conditions on completions to be a learner's, of a product, and known at an instant."""
    conditions = [completion.c.user_id == user_id, *fact_statements.received_by(completion, at)]
    return conditions if product == ALL_PRODUCTS else [*conditions, completion.c.product == product]


def _of_product(chosen: Select[Any], counted: Subquery, product: str) -> Select[Any]:
    return chosen if product == ALL_PRODUCTS else chosen.where(counted.c.product == product)


def _between(after: date | None, last: date | None) -> Sequence[ColumnElement[bool]]:
    conditions = []
    if after is not None:
        conditions.append(completion.c.local_date > after)
    if last is not None:
        conditions.append(completion.c.local_date <= last)
    return conditions


def _session_from_row(row: Row[Any]) -> SessionAsOf:
    return SessionAsOf(**{name: getattr(row, name) for name in SessionAsOf.__slots__})
