"""The task that makes boards final."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
import redis
from celery import Celery
from sqlalchemy import Engine, text

from deploy.local.servers import Server, start_redis
from service_kit.broker import COMPLETIONS_QUEUE, open_broker
from service_kit.db.engines import open_engine
from stats_service.leaderboards.sql import SqlClosingStore
from stats_service.leaderboards.tasks import CLOSE_LEADERBOARDS_TASK, register_closing
from stats_service.leaderboards.use_cases import CloseLeaderboards
from tests.stats_service.adapters.celery.workers import Worker, worker_environment
from tests.stats_service.conftest import Apply
from tests.stats_service.facts import history
from tests.waiting import eventually

DAYS = [date(2026, 2, day) for day in (1, 2, 3)]


@pytest.fixture
def broker(redis_url: str) -> Iterator[Celery]:
    app = open_broker(redis_url, "test")
    yield app
    app.close()


@pytest.fixture
def queue(redis_url: str) -> Iterator[str]:
    name = f"closing-{uuid.uuid4().hex}"
    yield name
    with redis.Redis.from_url(redis_url) as client:
        client.delete(name)


@pytest.fixture
def transport() -> Iterator[Server]:
    """A Redis whose queues nobody else takes from."""
    server = start_redis()
    yield server
    server.stop()


def closing(engine: Engine, budget: float) -> CloseLeaderboards:
    now = datetime(2026, 3, 1, tzinfo=UTC)
    return CloseLeaderboards(SqlClosingStore(engine), lambda: now, timedelta(hours=12), budget_seconds=budget)


def run(broker: Celery) -> None:
    broker.tasks[CLOSE_LEADERBOARDS_TASK].run()


def waiting(redis_url: str, queue: str) -> list[str]:
    with redis.Redis.from_url(redis_url) as client:
        return [json.loads(each)["headers"]["task"] for each in client.lrange(queue, 0, -1)]


def test_what_a_run_leaves_undone_is_sent_again_until_nothing_is(
    broker: Celery, engine: Engine, apply: Apply, redis_url: str, queue: str
) -> None:
    apply(*history(1, DAYS))
    register_closing(broker, lambda: closing(engine, 0.0), queue=queue)
    runs = 0
    while len(waiting(redis_url, queue)) == runs:
        run(broker)
        runs += 1
    assert runs > len(DAYS)
    assert set(waiting(redis_url, queue)) == {CLOSE_LEADERBOARDS_TASK}
    with engine.connect() as connection:
        kept = connection.execute(
            text("SELECT count(*) FROM stats.leaderboard_entry WHERE period = 'day'")
        ).scalar_one()
    assert kept == len(DAYS)


def test_a_board_closes_by_itself_beside_running_workers(
    tmp_path: Path,
    fresh_database_url: str,
    transport: Server,
    internal_token_file: Path,
    engine: Engine,
    apply: Apply,
) -> None:
    apply(*history(1, DAYS))
    settings = {
        "LEADERBOARD_CLOSING_SECONDS": "0.5",
        "RECONCILIATION_RECENT_SECONDS": "0",
        "SESSION_ADDRESS": "127.0.0.1:1",
        "INTERNAL_TOKEN_FILE": str(internal_token_file),
    }
    with ExitStack() as running:
        # One keeps time, the other closes: as in production, in processes of their own.
        for module, options in (
            ("recalculation_worker", ("--beat", "--queues", "recalculation,upkeep")),
            ("worker", ("--queues", COMPLETIONS_QUEUE)),
        ):
            heartbeat = tmp_path / module
            worker = Worker(
                worker_environment(fresh_database_url, transport.url, heartbeat, **settings),
                tmp_path / f"{module}.log",
                heartbeat,
                module=f"stats_service.{module}",
                options=options,
            )
            worker.start()
            running.callback(worker.kill)
        eventually(lambda: final(engine) == 3)
    with engine.connect() as connection:
        kept = connection.execute(text("SELECT period, count(*) FROM stats.leaderboard_entry GROUP BY 1"))
        assert {tuple(row) for row in kept} == {("day", 3), ("week", 2), ("month", 1)}


def final(engine: Engine) -> int:
    """Counts the kinds of period of which February 2026 is final."""
    statement = "SELECT count(*) FROM stats.leaderboard_closing WHERE closed_through >= '2026-02-28'"
    with engine.connect() as connection:
        count: int = connection.execute(text(statement)).scalar_one()
    return count


def test_a_database_that_is_away_is_no_error(broker: Celery, redis_url: str, queue: str) -> None:
    away = open_engine("postgresql://nobody@127.0.0.1:1/none", pool_size=1, application="test")
    register_closing(broker, lambda: closing(away, 1.0), queue=queue)
    run(broker)
    assert waiting(redis_url, queue) == []
    away.dispose()


def test_the_worker_has_the_task(redis_url: str) -> None:
    asked = "from stats_service.worker import app; print(*app.tasks)"
    settings = {"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none", "REDIS_URL": redis_url}
    told = subprocess.run(
        [sys.executable, "-c", asked],
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
        check=True,
    )
    assert CLOSE_LEADERBOARDS_TASK in told.stdout.split()
