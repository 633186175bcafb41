"""Recalculation by real workers that are killed, beside live traffic, ends at what the facts say."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from uuid import UUID
from zoneinfo import ZoneInfo

import psutil
import pytest
from sqlalchemy import Engine, text

from benchmarks.population import PRODUCTS, ZONES, populate
from deploy.local.servers import Server, start_redis
from service_kit.broker import open_broker
from service_kit.db.engines import open_async_engine
from stats_service.adapters.db.learner_store import SqlLearnerStore
from stats_service.application.ingest import ApplyCompletions, Delivery, rederive
from stats_service.recalculation.jobs import SendPending, StartRecalculation
from stats_service.recalculation.jobs_sql import SqlJobStore
from stats_service.recalculation.ports import Recalculation, Scope
from stats_service.recalculation.tasks import CeleryRecalculationQueue, send_shards
from tests.stats_service.adapters.celery.workers import Worker, worker_environment
from tests.stats_service.adapters.db.badges import badge, publish
from tests.stats_service.facts import completion, event_of
from tests.stats_service.population import BADGES, expected, stored
from tests.waiting import eventually

OPTIONS = ("--beat", "--queues", "recalculation,upkeep")
LATER = datetime(2026, 3, 20, tzinfo=UTC)


@pytest.fixture
def transport() -> Iterator[Server]:
    server = start_redis()
    yield server
    server.stop()


@pytest.fixture
def workers(
    tmp_path: Path, fresh_database_url: str, transport: Server, internal_token_file: Path
) -> Iterator[list[Worker]]:
    """Two that look for what was lost every half second, as two machines' would."""
    made = []
    for name in ("one", "two"):
        heartbeat = tmp_path / f"{name}.heartbeat"
        environment = worker_environment(
            fresh_database_url,
            transport.url,
            heartbeat,
            UPKEEP_SECONDS="0.5",
            RECALCULATION_QUIET_SECONDS="3",
            # There is no session service to compare with.
            RECONCILIATION_RECENT_SECONDS="0",
            SESSION_ADDRESS="127.0.0.1:1",
            INTERNAL_TOKEN_FILE=str(internal_token_file),
        )
        made.append(
            Worker(
                environment,
                tmp_path / f"{name}.log",
                heartbeat,
                module="stats_service.recalculation_worker",
                options=OPTIONS,
            )
        )
    yield made
    for worker in made:
        if worker.process is not None and worker.process.poll() is None:
            worker.kill()


class Jobs:
    """Starts jobs as the server does, and looks at them."""

    def __init__(self, database_url: str, redis_url: str, completions_per_shard: int) -> None:
        self._database_url = database_url
        self._redis_url = redis_url
        self._per_shard = completions_per_shard

    def start(self, *, deep: bool = False) -> UUID:
        async def started() -> UUID:
            engine = open_async_engine(self._database_url, pool_size=1, application="test")
            broker = open_broker(self._redis_url, "test")
            jobs = SqlJobStore(engine, completions_per_shard=self._per_shard)
            start = StartRecalculation(jobs, SendPending(jobs, CeleryRecalculationQueue(broker)))
            job = await start(Scope(), shadow=False, deep=deep)
            broker.close()
            await engine.dispose()
            return job.job_id

        return asyncio.run(started())

    def state(self, job_id: UUID) -> Recalculation:
        async def found() -> Recalculation | None:
            engine = open_async_engine(self._database_url, pool_size=1, application="test")
            job = await SqlJobStore(engine).find(job_id)
            await engine.dispose()
            return job

        job = asyncio.run(found())
        assert job is not None
        return job

    def done(self, job_id: UUID, shards: int) -> bool:
        return self.state(job_id).shards_done >= shards

    def finished(self, job_id: UUID) -> bool:
        return self.state(job_id).finished_at is not None


@contextmanager
def live_traffic(store: SqlLearnerStore, learners: int, first_seq: int) -> Iterator[list[int]]:
    """Applies new completions, some of them twice, as fast as they go in; yields how many are there."""
    over = threading.Event()
    applied = [0]
    random = Random(11)

    def practise() -> None:
        places = dict.fromkeys(range(1, learners + 1), first_seq)
        while not over.is_set():
            users = random.sample(range(1, learners + 1), 5)
            facts = []
            for user in users:
                end = LATER + timedelta(minutes=random.randrange(30 * 24 * 60))
                zone = ZONES[user % len(ZONES)]
                wall = end.astimezone(ZoneInfo(zone))
                facts.append(
                    completion(
                        user_id=user,
                        user_seq=places[user],
                        product=random.choice(PRODUCTS),
                        end_time=end,
                        time_zone=zone,
                        local_date=wall.date(),
                        local_minute=wall.hour * 60 + wall.minute,
                        elapsed_seconds=random.randrange(3600),
                    )
                )
                places[user] += 1
            deliveries = [Delivery(event_of(fact).SerializeToString(), fact) for fact in facts]
            result = ApplyCompletions(store)(deliveries)
            assert not result.rejected and not result.failed
            applied[0] += result.new
            for left in result.postponed:
                # A lock was not had in time: the outbox delivers again.
                applied[0] += ApplyCompletions(store)([left]).new
            ApplyCompletions(store)(deliveries[:1])

    thread = threading.Thread(target=practise)
    thread.start()
    try:
        yield applied
    finally:
        over.set()
        thread.join()


def kill_a_child(worker: Worker) -> None:
    """Ends one process of the pool as a crash would."""
    assert worker.process is not None
    children = psutil.Process(worker.process.pid).children()
    os.kill(max(children, key=lambda child: sum(child.cpu_times()[:2])).pid, signal.SIGKILL)


def corrupt(engine: Engine, store: SqlLearnerStore, learners: int) -> None:
    """Some have right progress, some have wrong progress, most have none at all."""
    for first in range(1, learners + 1, 200):
        with store.work_on(range(first, min(first + 200, learners + 1))) as work:
            rederive(work)
            work.commit()
    with engine.begin() as connection:
        for statement in (
            "UPDATE stats.standing SET session_count = session_count + 7 WHERE user_id % 7 = 0",
            "DELETE FROM stats.daily_progress WHERE user_id % 11 = 0",
            "UPDATE stats.awarded_badge SET user_seq = 1 WHERE user_id % 13 = 0",
            "UPDATE stats.standing SET days = '{}' WHERE user_id % 17 = 0",
        ):
            connection.execute(text(statement))


def recalculate_under_fire(
    workers: list[Worker],
    jobs: Jobs,
    engine: Engine,
    store: SqlLearnerStore,
    *,
    learners: int,
    seconds: float,
) -> tuple[Recalculation, int]:
    """Two workers, one losing a process and the other killed as a whole, while learners practise."""
    for worker in workers:
        worker.start()
    # The main process, two that work and one that keeps time.
    eventually(lambda: all(len(worker.family()) == 4 for worker in workers))
    with live_traffic(store, learners, first_seq=1_000) as applied:
        job_id = jobs.start()
        eventually(lambda: jobs.done(job_id, 2), seconds)
        kill_a_child(workers[0])
        eventually(lambda: jobs.done(job_id, 5), seconds)
        workers[1].kill()
        assert not jobs.finished(job_id)
        workers[1].start()
        eventually(lambda: jobs.finished(job_id), seconds)
    return jobs.state(job_id), applied[0]


async def publish_badges(url: str) -> None:
    await publish(url, *(badge(badge_id, 1, condition=condition) for badge_id, condition in BADGES.items()))


def assert_as_expected(engine: Engine) -> None:
    right, told = expected(engine), stored(engine)
    for name in ("days", "standings", "runs", "awards"):
        one, other = getattr(right, name), getattr(told, name)
        # Only some: whole tables in a message help nobody.
        wrong = [(key, one.get(key), other.get(key)) for key in one | other if one.get(key) != other.get(key)]
        assert wrong[:3] == [], f"{len(wrong)} of {name}"


def test_progress_is_right_after_kills_beside_live_traffic(
    fresh_database_url: str, transport: Server, workers: list[Worker], engine: Engine, store: SqlLearnerStore
) -> None:
    learners = 600
    asyncio.run(publish_badges(fresh_database_url))
    populate(fresh_database_url, learners, 20)
    corrupt(engine, store, learners // 5)
    jobs = Jobs(fresh_database_url, transport.url, completions_per_shard=120)
    job, applied = recalculate_under_fire(workers, jobs, engine, store, learners=learners, seconds=30)
    assert (job.shards_done, job.shards_failed) == (job.shards, 0)
    assert applied > 0
    assert_as_expected(engine)
    again = jobs.start(deep=True)
    eventually(lambda: jobs.finished(again))
    assert (jobs.state(again).learners_wrong, jobs.state(again).completions) == (0, learners * 20 + applied)


@pytest.mark.long
def test_progress_of_fifty_thousand_is_right_after_kills_beside_live_traffic(
    fresh_database_url: str, transport: Server, workers: list[Worker], engine: Engine, store: SqlLearnerStore
) -> None:
    learners = 50_000
    asyncio.run(publish_badges(fresh_database_url))
    populate(fresh_database_url, learners, 20)
    corrupt(engine, store, learners // 5)
    jobs = Jobs(fresh_database_url, transport.url, completions_per_shard=50_000)
    job, applied = recalculate_under_fire(workers, jobs, engine, store, learners=learners, seconds=300)
    assert (job.shards_done, job.shards_failed) == (job.shards, 0)
    assert job.finished_at is not None
    taken = (job.finished_at - job.created_at).total_seconds()
    print(f"{job.completions} completions of {job.learners} learners, {taken:.1f} s, {applied} live ones")
    assert_as_expected(engine)


def test_messages_that_redis_lost_are_sent_again_and_those_sent_twice_run_once(
    fresh_database_url: str, transport: Server, workers: list[Worker], engine: Engine
) -> None:
    asyncio.run(publish_badges(fresh_database_url))
    populate(fresh_database_url, 50, 10)
    jobs = Jobs(fresh_database_url, transport.url, completions_per_shard=100)
    job_id = jobs.start()
    transport.kill()
    transport.restart()
    broker = open_broker(transport.url, "test")
    send_shards(broker, [(job_id, 1), (job_id, 1), (job_id, 1)])
    broker.close()
    workers[0].start()
    eventually(lambda: jobs.finished(job_id))
    state = jobs.state(job_id)
    assert (state.learners_wrong, state.completions, state.shards_done) == (50, 500, state.shards)
    assert workers[0].stop() == 0
    assert_as_expected(engine)


def test_nothing_of_a_worker_outlives_its_main_process(workers: list[Worker]) -> None:
    workers[0].start()
    eventually(lambda: len(workers[0].family()) == 4)
    main, *others = workers[0].family()
    main.send_signal(signal.SIGKILL)
    eventually(lambda: not any(process.is_running() for process in others))
