"""Forgets how recalculations and reconciliations went long ago."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta

from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from stats_service.adapters.db.tables import (
    recalculation,
    recalculation_difference,
    recalculation_shard,
    reconciliation,
)


def forgetting_reports(engine: AsyncEngine, kept: timedelta) -> Callable[[], Awaitable[int]]:
    """Returns what deletes and counts jobs and runs, with what they found, once they ended `kept` ago."""

    async def forget() -> int:
        jobs = 0
        # One a transaction: a job of everybody has thousands of shards.
        while await _forget_job(engine, kept):
            jobs += 1
        old = reconciliation.c.finished_at < func.clock_timestamp() - kept
        async with engine.begin() as connection:
            return jobs + (await connection.execute(delete(reconciliation).where(old))).rowcount

    return forget


async def _forget_job(engine: AsyncEngine, kept: timedelta) -> bool:
    """Tells whether there was one."""
    async with engine.begin() as connection:
        job_id = await _old_job(connection, kept)
        if job_id is None:
            return False
        for table in (recalculation_difference, recalculation_shard, recalculation):
            await connection.execute(delete(table).where(table.c.job_id == job_id))
    return True


async def _old_job(connection: AsyncConnection, kept: timedelta) -> object:
    """Locks an old job that nobody else is forgetting or resuming; returns None when there is none."""
    job = recalculation.c
    ended = func.coalesce(job.finished_at, job.cancelled_at)
    old = select(job.job_id).where(ended < func.clock_timestamp() - kept).limit(1)
    return (await connection.execute(old.with_for_update(skip_locked=True))).scalar_one_or_none()
