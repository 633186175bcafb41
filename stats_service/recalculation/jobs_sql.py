"""Jobs as the server keeps them: asynchronous."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Row, Select, and_, case, func, insert, or_, select, text, update
from sqlalchemy.ext.asyncio import AsyncEngine
from typing_extensions import override

from stats_service.adapters.db.tables import recalculation, recalculation_difference, recalculation_shard
from stats_service.recalculation.ports import JobStore, Recalculation, Scope, Summed, UserDifference
from stats_service.recalculation.rows import (
    add_summed,
    scope_from_json,
    scope_to_json,
    user_difference_from_row,
)

# About how many completions a shard has: some tenths of a second's reading, some tens of megabytes.
COMPLETIONS_PER_SHARD = 125_000
# Pages of the table that are looked at to tell where shards end, and the least percentage of it.
_SAMPLED_PAGES = 300
_LEAST_PERCENT = 0.2
_FIRST, _LAST = 1, 2**63 - 1


class SqlJobStore(JobStore):
    """Jobs, in PostgreSQL, as the server has them."""

    def __init__(self, engine: AsyncEngine, *, completions_per_shard: int = COMPLETIONS_PER_SHARD) -> None:
        self._engine = engine
        self._per_shard = completions_per_shard

    @override
    async def open(self, scope: Scope, *, shadow: bool, deep: bool) -> tuple[UUID, int]:
        job = uuid4()
        first, last = _bounds(scope)
        async with self._engine.begin() as connection:
            row = {"job_id": job, "scope": scope_to_json(scope), "shadow": shadow, "deep": deep}
            await connection.execute(insert(recalculation).values(row))
            percent = (await connection.execute(_PERCENT, {"pages": _SAMPLED_PAGES})).scalar_one()
            values = {
                "job": job,
                "first": first,
                "last": last,
                "percent": max(_LEAST_PERCENT, percent),
                "per_shard": self._per_shard,
            }
            made = await connection.execute(_MAKE_SHARDS, values)
        return job, made.rowcount

    @override
    async def find(self, job_id: UUID | None) -> Recalculation | None:
        async with self._engine.connect() as connection:
            row = (await connection.execute(_job(job_id))).one_or_none()
            if row is None:
                return None
            told = select(recalculation_shard.c.differences).where(
                recalculation_shard.c.job_id == row.job_id, recalculation_shard.c.state == "done"
            )
            summed: dict[str, Summed] = {}
            for differences in (await connection.execute(told)).scalars() if row.shadow else ():
                add_summed(summed, differences)
        return _recalculation_from_row(row, summed)

    @override
    async def cancel(self, job_id: UUID) -> bool:
        in_force = and_(recalculation.c.finished_at.is_(None), recalculation.c.cancelled_at.is_(None))
        cancelled = case((in_force, func.clock_timestamp()), else_=recalculation.c.cancelled_at)
        mine = update(recalculation).where(recalculation.c.job_id == job_id).values(cancelled_at=cancelled)
        async with self._engine.begin() as connection:
            return bool((await connection.execute(mine)).rowcount)

    @override
    async def revive(self, job_id: UUID) -> bool:
        failed = and_(recalculation_shard.c.job_id == job_id, recalculation_shard.c.state == "failed")
        left = select(recalculation_shard.c.number).where(
            recalculation_shard.c.job_id == job_id, recalculation_shard.c.state == "pending"
        )
        async with self._engine.begin() as connection:
            again = {"state": "pending", "attempts": 0, "finished_at": None}
            await connection.execute(update(recalculation_shard).where(failed).values(again))
            finished = case((left.exists(), None), else_=recalculation.c.finished_at)
            mine = update(recalculation).where(recalculation.c.job_id == job_id)
            revived = await connection.execute(mine.values(cancelled_at=None, finished_at=finished))
        return bool(revived.rowcount)

    @override
    async def unsent(self, job_id: UUID, most: int) -> Sequence[tuple[UUID, int]]:
        shard = recalculation_shard.c
        numbers = (
            select(shard.number)
            .where(shard.job_id == job_id, shard.state == "pending")
            .order_by(shard.number)
            .limit(most)
        )
        sent = (
            update(recalculation_shard)
            .where(shard.job_id == job_id, shard.number.in_(numbers))
            .values(sent_at=func.clock_timestamp())
            .returning(shard.number)
        )
        async with self._engine.begin() as connection:
            found = (await connection.execute(sent)).scalars().all()
        return [(job_id, number) for number in sorted(found)]

    @override
    async def differences(self, job_id: UUID, after_user_id: int, limit: int) -> Sequence[UserDifference]:
        difference = recalculation_difference.c
        query = (
            select(recalculation_difference)
            .where(difference.job_id == job_id, difference.user_id > after_user_id)
            .order_by(difference.user_id)
            .limit(limit)
        )
        async with self._engine.connect() as connection:
            return [user_difference_from_row(row) for row in await connection.execute(query)]


def _bounds(scope: Scope) -> tuple[int, int]:
    first, last = scope.first_user or _FIRST, scope.last_user or _LAST
    if scope.user_ids:
        return max(first, min(scope.user_ids)), min(last, max(scope.user_ids))
    return first, last


# How much of the table is looked at, in percent.
_PERCENT = text(
    "SELECT cast(least(100, 100.0 * :pages * current_setting('block_size')::bigint"
    " / greatest(1, pg_relation_size('stats.completion'))) AS float)"
)
# Ranges that end where about as many completions were seen; together they hold
# every number there is between the bounds.
_MAKE_SHARDS = text(
    """
    WITH seen AS MATERIALIZED (
        SELECT user_id FROM stats.completion TABLESAMPLE SYSTEM (:percent)
        WHERE user_id BETWEEN :first AND :last
    ), size AS (
        SELECT ceil(count(*) * 100 / :percent)::bigint AS completions FROM seen
    ), cut AS (
        SELECT user_id, ntile(
            (SELECT greatest(1, least(1000000, ceil(completions / cast(:per_shard AS float))))::int FROM size)
        ) OVER (ORDER BY user_id) AS tile FROM seen
    ), ends AS (
        SELECT DISTINCT max(user_id) AS last_user FROM cut GROUP BY tile
    ), inner_ends AS (
        SELECT last_user FROM ends WHERE last_user < (SELECT max(last_user) FROM ends)
        UNION ALL SELECT cast(:last AS bigint)
    ), ranges AS (
        SELECT row_number() OVER (ORDER BY last_user) AS number,
            coalesce(lag(last_user) OVER (ORDER BY last_user) + 1, :first) AS first_user, last_user
        FROM inner_ends
    )
    INSERT INTO stats.recalculation_shard (job_id, number, first_user, last_user, expected)
    SELECT :job, number, first_user, last_user, (SELECT completions FROM size) / (SELECT count(*) FROM ranges)
    FROM ranges WHERE first_user <= last_user
    """
)


def _job(job_id: UUID | None) -> Select[Any]:
    shard = recalculation_shard.c
    done, failed = shard.state == "done", shard.state == "failed"
    sums = {
        "shards": func.count(shard.number),
        "shards_done": func.count().filter(done),
        "shards_failed": func.count().filter(failed),
        "expected_completions": func.sum(shard.expected),
        "expected_completions_done": func.sum(shard.expected).filter(or_(done, failed)),
        **{
            name: func.sum(shard[name])
            for name in ("learners", "completions", "learners_wrong", "changed_rows")
        },
        "last_error": func.max(shard.last_error),
    }
    jobs = (
        select(recalculation, *(value.label(name) for name, value in sums.items()))
        .outerjoin(recalculation_shard, shard.job_id == recalculation.c.job_id)
        .group_by(recalculation.c.job_id)
        .order_by(recalculation.c.created_at.desc())
        .limit(1)
    )
    return jobs if job_id is None else jobs.where(recalculation.c.job_id == job_id)


def _recalculation_from_row(row: Row[Any], summed: dict[str, Summed]) -> Recalculation:
    counts = (
        *("shards", "shards_done", "shards_failed", "expected_completions", "expected_completions_done"),
        *("learners", "completions", "learners_wrong", "changed_rows"),
    )
    return Recalculation(
        job_id=row.job_id,
        scope=scope_from_json(row.scope),
        shadow=row.shadow,
        deep=row.deep,
        created_at=row.created_at,
        finished_at=row.finished_at,
        cancelled_at=row.cancelled_at,
        last_error=row.last_error or "",
        summed=summed,
        **{name: int(row._mapping[name] or 0) for name in counts},
    )
