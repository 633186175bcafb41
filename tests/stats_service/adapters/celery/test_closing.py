"""The task that makes boards final."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest
import redis
from celery import Celery
from sqlalchemy import Engine, text

from service_kit.broker import open_broker
from service_kit.db.engines import open_engine
from stats_service.adapters.celery.closing import CLOSE_LEADERBOARDS_TASK, register_closing
from stats_service.adapters.db.leaderboard_closing import SqlClosingStore
from stats_service.application.close_leaderboards import CloseLeaderboards
from tests.stats_service.adapters.conftest import Apply
from tests.stats_service.facts import history

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
