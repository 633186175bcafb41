"""Seven learners, and the jobs and shards of recalculations on their database."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date, timedelta

import pytest
from sqlalchemy import Engine
from sqlalchemy.ext.asyncio import AsyncEngine

from service_kit.db.engines import open_async_engine
from stats_service.adapters.cel.conditions import compile_condition
from stats_service.adapters.db.learner_store import SqlLearnerStore
from stats_service.recalculation.jobs_sql import SqlJobStore
from stats_service.recalculation.ports import Recalculation, Scope
from stats_service.recalculation.shards import RecalculateShard
from stats_service.recalculation.shards_sql import SqlShardStore
from tests.stats_service.adapters.db.badges import badge, publish
from tests.stats_service.conftest import Apply
from tests.stats_service.facts import history

DAY = date(2026, 2, 1)
DAYS = [DAY + timedelta(days=number) for number in range(5)]
EVERYBODY = Scope()


@pytest.fixture
async def database(fresh_database_url: str) -> AsyncIterator[AsyncEngine]:
    engine = open_async_engine(fresh_database_url, pool_size=2, application="test")
    yield engine
    await engine.dispose()


@pytest.fixture
def jobs(database: AsyncEngine) -> SqlJobStore:
    return SqlJobStore(database, completions_per_shard=10)


@pytest.fixture
def shards(engine: Engine) -> SqlShardStore:
    return SqlShardStore(engine, compile_condition)


@pytest.fixture
def run(shards: SqlShardStore, store: SqlLearnerStore) -> RecalculateShard:
    return RecalculateShard(shards, store)


@pytest.fixture
async def practised(fresh_database_url: str, apply: Apply) -> str:
    """Seven learners with five days each, badges and all."""
    await publish(fresh_database_url, badge("three", 3), badge("streak", 4, "best_streak", product="all"))
    for user in range(1, 8):
        apply(*history(user, DAYS, product="focus" if user % 2 else "yoga"))
    return fresh_database_url


async def recalculate(
    jobs: SqlJobStore,
    run: RecalculateShard,
    scope: Scope = EVERYBODY,
    *,
    shadow: bool = False,
    deep: bool = False,
) -> Recalculation:
    """Runs a job from its beginning to its end."""
    job_id, count = await jobs.open(scope, shadow=shadow, deep=deep)
    for number in range(1, count + 1):
        while run(job_id, number):
            pass
    job = await jobs.find(job_id)
    assert job is not None
    assert job.finished_at is not None
    return job
