"""A shard is run by one process at a time, and what is lost or fails is run again, and not for ever."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from uuid import UUID

import pytest
from sqlalchemy import Engine, create_engine, make_url, text

from service_kit.errors import UnavailableError
from stats_service.adapters.cel.conditions import compile_condition
from stats_service.adapters.db.learner_store import SqlLearnerStore
from stats_service.recalculation.jobs import TendRecalculations
from stats_service.recalculation.jobs_sql import SqlJobStore
from stats_service.recalculation.ports import Outcome
from stats_service.recalculation.shards import RecalculateShard
from stats_service.recalculation.shards_sql import MOST_ATTEMPTS, SqlShardStore
from tests.stats_service.recalculation.conftest import EVERYBODY


async def test_nobody_runs_a_shard_that_somebody_runs_or_that_is_done_or_cancelled(
    practised: str, jobs: SqlJobStore, shards: SqlShardStore, engine: Engine
) -> None:
    job_id, _ = await jobs.open(EVERYBODY, shadow=False, deep=False)
    other = SqlShardStore(engine, compile_condition)
    with shards.claim(job_id, 1) as claimed, other.claim(job_id, 1) as second, other.claim(job_id, 2) as two:
        assert claimed is not None
        assert second is None
        assert two is not None
    with shards.claim(job_id, 1) as claimed:
        assert claimed is not None
        claimed.conclude(Outcome())
    with shards.claim(job_id, 1) as again:
        assert again is None
    assert await jobs.cancel(job_id)
    with shards.claim(job_id, 2) as cancelled:
        assert cancelled is None
    assert await jobs.revive(job_id)
    with shards.claim(job_id, 2) as revived, shards.claim(UUID(int=5), 1) as unknown:
        assert revived is not None
        assert unknown is None


async def test_two_last_shards_that_end_at_once_end_the_job(
    practised: str, jobs: SqlJobStore, engine: Engine
) -> None:
    job_id, count = await SqlJobStore(jobs._engine, completions_per_shard=20).open(
        EVERYBODY, shadow=False, deep=False
    )
    assert count == 2
    one, two = (SqlShardStore(engine, compile_condition) for _ in range(2))
    with one.claim(job_id, 1) as first, two.claim(job_id, 2) as second:
        assert first is not None and second is not None
        first.conclude(Outcome())
        second.conclude(Outcome())
    job = await jobs.find(None)
    assert job is not None
    assert (job.job_id, job.shards_done) == (job_id, 2)
    assert job.finished_at is not None


async def test_shards_whose_message_or_runner_was_lost_are_sent_again_and_no_others(
    practised: str, jobs: SqlJobStore, shards: SqlShardStore, engine: Engine
) -> None:
    job_id, count = await jobs.open(EVERYBODY, shadow=False, deep=False)
    sent: list[tuple[UUID, int]] = []
    tend = TendRecalculations(shards, sent.extend, quiet_seconds=60)

    def later(seconds: int) -> None:
        with engine.begin() as connection:
            connection.execute(
                text(
                    "UPDATE stats.recalculation_shard SET sent_at = sent_at - cast(:past AS interval),"
                    " started_at = started_at - cast(:past AS interval)"
                ),
                {"past": timedelta(seconds=seconds)},
            )

    everything = [(job_id, number) for number in range(1, count + 1)]
    assert await jobs.unsent(job_id, 100) == everything
    tend()
    assert sent == []
    later(30)
    tend()
    assert sent == []
    with shards.claim(job_id, 1) as claimed:
        assert claimed is not None
        later(20)
        # It is being run, however long ago it began.
        tend()
        assert sent == []
    # Its runner is gone without a word.
    tend()
    assert sent == [(job_id, 1)]
    later(61)
    sent.clear()
    tend()
    assert sorted(sent) == everything
    await jobs.cancel(job_id)
    later(61)
    sent.clear()
    tend()
    assert sent == []


async def test_a_shard_that_never_gets_on_fails_in_the_end_and_can_be_tried_again(
    practised: str, jobs: SqlJobStore, shards: SqlShardStore, run: RecalculateShard, engine: Engine
) -> None:
    job_id, count = await jobs.open(EVERYBODY, shadow=False, deep=False)

    class Broken(SqlShardStore):
        def snapshot(self, shard: object) -> object:  # type: ignore[override]
            raise ValueError("cannot be read")

    broken = RecalculateShard(Broken(engine, compile_condition), run._learners)
    for _ in range(MOST_ATTEMPTS):
        with pytest.raises(ValueError, match="cannot be read"):
            broken(job_id, 1)
    for number in range(2, count + 1):
        run(job_id, number)
    TendRecalculations(shards, lambda _: None, quiet_seconds=60)()
    job = await jobs.find(job_id)
    assert job is not None
    assert (job.shards_failed, job.shards_done) == (1, count - 1)
    assert job.finished_at is not None
    assert job.last_error == "ValueError: cannot be read"
    assert await jobs.revive(job_id)
    job = await jobs.find(job_id)
    assert job is not None
    assert job.finished_at is None
    assert await jobs.unsent(job_id, 10) == [(job_id, 1)]
    run(job_id, 1)
    job = await jobs.find(job_id)
    assert job is not None
    assert (job.shards_failed, job.shards_done) == (0, count)


@pytest.mark.parametrize(
    ("end", "reason"),
    [(None, "its worker ended"), (UnavailableError("Not now", part="database"), "Not now")],
    ids=["killed", "no database"],
)
async def test_a_shard_that_fails_without_an_error_of_its_own_has_a_reason_too(
    practised: str,
    jobs: SqlJobStore,
    shards: SqlShardStore,
    store: SqlLearnerStore,
    engine: Engine,
    end: Exception | None,
    reason: str,
) -> None:
    job_id, _ = await jobs.open(EVERYBODY, shadow=False, deep=False)

    class Ending(SqlShardStore):
        def snapshot(self, shard: object) -> object:  # type: ignore[override]
            assert end is not None
            raise end

    for _ in range(MOST_ATTEMPTS):
        if end is None:
            with shards.claim(job_id, 1):
                """Ends without a word."""
        else:
            with pytest.raises(UnavailableError):
                RecalculateShard(Ending(engine, compile_condition), store)(job_id, 1)
    TendRecalculations(shards, lambda _: None, quiet_seconds=60)()
    job = await jobs.find(job_id)
    assert job is not None
    assert job.shards_failed == 1
    assert reason in job.last_error


@pytest.mark.parametrize(
    "table", ["completion", "calendar_change", "learner", "daily_progress"], ids="locked {}".format
)
async def test_a_table_that_cannot_be_read_for_a_while_is_an_outage(
    practised: str, jobs: SqlJobStore, engine: Engine, table: str
) -> None:
    job_id, _ = await jobs.open(EVERYBODY, shadow=False, deep=True)
    url = make_url(practised).set(drivername="postgresql+psycopg")
    hasty = create_engine(url, connect_args={"options": "-c timezone=UTC -c lock_timeout=50"})
    run = RecalculateShard(SqlShardStore(hasty, compile_condition), SqlLearnerStore(hasty, compile_condition))
    with engine.connect() as holding:
        holding.execute(text(f"LOCK TABLE stats.{table} IN ACCESS EXCLUSIVE MODE"))
        with pytest.raises(UnavailableError):
            run(job_id, 1)
    job = await jobs.find(job_id)
    assert job is not None
    assert job.last_error == "The database does not answer"
    run(job_id, 1)
    hasty.dispose()


async def test_a_connection_that_is_lost_while_a_shard_is_read_is_an_outage(
    practised: str, jobs: SqlJobStore, shards: SqlShardStore, engine: Engine
) -> None:
    job_id, _ = await jobs.open(EVERYBODY, shadow=False, deep=False)
    with shards.claim(job_id, 1) as claimed, pytest.raises(UnavailableError):
        assert claimed is not None
        with shards.snapshot(claimed.shard) as snapshot:
            snapshot.evidence()
            reader = (
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE state = 'idle in transaction'"
            )
            with engine.connect() as another:
                assert another.execute(text(f"{reader} AND datname = current_database()")).all()
            snapshot.evidence()


async def test_whoever_tends_at_the_same_time_sends_nothing_twice(
    practised: str, jobs: SqlJobStore, engine: Engine
) -> None:
    """As the beats of many machines do."""
    job_id, count = await jobs.open(EVERYBODY, shadow=False, deep=False)
    sent: list[tuple[UUID, int]] = []
    beats = 6
    together = Barrier(beats)

    def tick() -> None:
        tend = TendRecalculations(SqlShardStore(engine, compile_condition), sent.extend, quiet_seconds=60)
        together.wait()
        tend()
        tend()

    with ThreadPoolExecutor(beats) as threads:
        for ticked in [threads.submit(tick) for _ in range(beats)]:
            ticked.result()
    assert sorted(sent) == [(job_id, number) for number in range(1, count + 1)]


async def test_only_one_process_at_a_time_looks_for_lost_shards(
    shards: SqlShardStore, engine: Engine
) -> None:
    other = SqlShardStore(engine, compile_condition)
    with shards.alone("tend") as first, other.alone("tend") as second, other.alone("another") as third:
        assert (first, second, third) == (True, False, True)
    with other.alone("tend") as freed:
        assert freed
