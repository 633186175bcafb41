"""What recalculations and reconciliations found is forgotten some time after they ended."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.ext.asyncio import AsyncEngine

from service_kit.db.engines import open_async_engine
from stats_service.adapters.cel.conditions import compile_condition
from stats_service.adapters.db.housekeeping import forgetting_reports
from stats_service.application.ports.learners import Difference
from stats_service.recalculation.jobs_sql import SqlJobStore
from stats_service.recalculation.ports import Outcome, Scope, UserDifference
from stats_service.recalculation.shards_sql import SqlShardStore
from stats_service.reconciliation.ports import Finding, Request, Whom
from stats_service.reconciliation.sql import SqlRunStore
from stats_service.reconciliation.store import SqlReconciliationStore

KEPT = timedelta(days=30)


@pytest.fixture
async def database(fresh_database_url: str) -> AsyncIterator[AsyncEngine]:
    engine = open_async_engine(fresh_database_url, pool_size=2, application="test")
    yield engine
    await engine.dispose()


def let_pass(engine: Engine, past: timedelta) -> None:
    with engine.begin() as connection:
        for table, columns in {
            "recalculation": ("created_at", "finished_at", "cancelled_at"),
            "reconciliation": ("created_at", "finished_at"),
        }.items():
            changes = ", ".join(f"{column} = {column} - cast(:past AS interval)" for column in columns)
            connection.execute(text(f"UPDATE stats.{table} SET {changes}"), {"past": past})


def rows(engine: Engine) -> dict[str, int]:
    tables = ("recalculation", "recalculation_shard", "recalculation_difference")
    tables += ("reconciliation", "reconciliation_learner")
    with engine.connect() as connection:
        return {
            table: connection.execute(text(f"SELECT count(*) FROM stats.{table}")).scalar_one()
            for table in tables
        }


async def finished_job(database: AsyncEngine, engine: Engine) -> UUID:
    job_id, _ = await SqlJobStore(database).open(Scope(), shadow=True, deep=True)
    row = Difference(7, "standing", {"session_count": 1}, None)
    with SqlShardStore(engine, compile_condition).claim(job_id, 1) as claimed:
        assert claimed is not None
        claimed.conclude(Outcome(wrong=1, differences=[UserDifference(7, 1, [row])]))
    return job_id


async def finished_run(database: AsyncEngine, engine: Engine) -> UUID:
    run_id = await SqlRunStore(database).open(Request(Whom.USERS, (7,), settle=timedelta(0)))
    store = SqlReconciliationStore(engine)
    store.note(run_id, 7, Finding(orphans=1))
    store.finish(run_id)
    return run_id


async def test_what_ended_long_ago_is_forgotten_with_all_that_was_found(
    database: AsyncEngine, engine: Engine
) -> None:
    book, runs = SqlJobStore(database), SqlRunStore(database)
    forget = forgetting_reports(database, KEPT)
    for _ in range(2):
        await finished_job(database, engine)
    cancelled, _ = await book.open(Scope(), shadow=False, deep=False)
    await book.cancel(cancelled)
    await finished_run(database, engine)
    let_pass(engine, timedelta(days=29))
    assert await forget() == 0
    late_job, late_run = await finished_job(database, engine), await finished_run(database, engine)
    let_pass(engine, timedelta(days=2))
    assert await forget() == 4
    assert set(rows(engine).values()) == {1}
    job, run = await book.find(None), await runs.find(None)
    assert job is not None and job.job_id == late_job
    assert run is not None and run.run_id == late_run
    assert await forget() == 0


async def test_what_goes_on_is_kept_however_old_it_is(database: AsyncEngine, engine: Engine) -> None:
    book = SqlJobStore(database)
    job_id, _ = await book.open(Scope(), shadow=False, deep=False)
    await SqlRunStore(database).open(Request(Whom.ALL))
    let_pass(engine, timedelta(days=400))
    assert await forgetting_reports(database, KEPT)() == 0
    await book.cancel(job_id)
    let_pass(engine, timedelta(days=20))
    assert await forgetting_reports(database, KEPT)() == 0
    assert rows(engine)["recalculation_shard"] == 1
