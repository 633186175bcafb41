"""A real worker on a real Redis, killed and robbed of its queue: every completion counts once."""

from __future__ import annotations

import base64
import contextlib
import signal
import time
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from random import Random

import pytest
import redis
from kombu.exceptions import OperationalError
from sqlalchemy import Engine, text

from deploy.local.servers import Server, start_postgres, start_redis
from service_kit.broker import (
    CALENDAR_CHANGES_TASK,
    COMPLETIONS_QUEUE,
    COMPLETIONS_TASK,
    COUNTED_HINTS,
    open_broker,
)
from service_kit.db.engines import open_engine
from service_kit.db.migrate import upgrade
from service_kit.hints import from_payload
from stats_service.adapters.celery.tasks import BACKFILL_TASK
from stats_service.domain.calendar import CalendarChange
from stats_service.domain.completion import Completion
from tests.stats_service.adapters.celery.workers import Worker, worker_environment
from tests.stats_service.adapters.db.badges import badge, publish
from tests.stats_service.facts import calendar_change, calendar_event_of, completion, event_of
from tests.waiting import eventually

DAY = date(2026, 1, 1)


@pytest.fixture
def transport() -> Iterator[Server]:
    server = start_redis()
    yield server
    server.stop()


@pytest.fixture
def worker(tmp_path: Path, fresh_database_url: str, transport: Server) -> Iterator[Worker]:
    heartbeat = tmp_path / "heartbeat"
    environment = worker_environment(fresh_database_url, transport.url, heartbeat)
    worker = Worker(environment, tmp_path / "worker.log", heartbeat)
    yield worker
    if worker.process is not None and worker.process.poll() is None:
        worker.kill()


@pytest.fixture
def publish_facts(transport: Server) -> Iterator[Callable[[list[Completion]], None]]:
    """Sends facts as the session service does, in messages of five; a broker that is away loses them."""
    broker = open_broker(transport.url, "test")

    def send(facts: list[Completion]) -> None:
        for first in range(0, len(facts), 5):
            payloads = [
                base64.b64encode(event_of(fact).SerializeToString()).decode()
                for fact in facts[first : first + 5]
            ]
            with contextlib.suppress(OperationalError):
                broker.send_task(COMPLETIONS_TASK, args=[payloads], queue=COMPLETIONS_QUEUE)

    yield send
    broker.close()


def many_facts(random: Random) -> list[Completion]:
    return [
        completion(
            user_id=user_id,
            user_seq=seq,
            local_date=DAY + timedelta(days=random.randrange(20)),
            product=random.choice(["focus", "exercises"]),
        )
        for user_id in range(1, 9)
        for seq in range(1, 26)
    ]


def applied_ids(engine: Engine) -> set[str]:
    with engine.connect() as connection:
        return {
            str(event_id)
            for event_id in connection.execute(text("SELECT event_id FROM stats.completion")).scalars()
        }


def test_every_completion_counts_once_through_kills_and_an_emptied_redis(
    worker: Worker, transport: Server, engine: Engine, publish_facts: Callable[[list[Completion]], None]
) -> None:
    random = Random(4)
    facts = many_facts(random)
    twice = [*facts, *facts]
    random.shuffle(twice)
    robber = redis.Redis.from_url(transport.url)

    worker.start()
    publish_facts(twice)
    eventually(lambda: len(applied_ids(engine)) >= 20)
    worker.kill()
    worker.start()
    eventually(lambda: len(applied_ids(engine)) >= 60 or not robber.llen(COMPLETIONS_QUEUE))
    # Everything that waits and everything that is unacknowledged is gone.
    robber.flushall()
    publish_facts(random.sample(facts, 20))
    transport.kill()
    publish_facts(random.sample(facts, 5))
    transport.restart()

    def republish_until_all_are_applied() -> bool:
        """What the session service's outbox does, with less patience."""
        known = applied_ids(engine)
        missing = [fact for fact in facts if str(fact.event_id) not in known]
        if missing and not queued(transport):
            publish_facts(missing)
        return not missing

    eventually(republish_until_all_are_applied)
    eventually(lambda: not queued(transport))
    assert worker.stop() == 0
    assert_counted_once(engine, facts)


def queued(transport: Server) -> bool:
    with redis.Redis.from_url(transport.url) as client:
        return bool(client.llen(COMPLETIONS_QUEUE))


def assert_counted_once(engine: Engine, facts: list[Completion]) -> None:
    with engine.connect() as connection:
        standings = text(
            "SELECT user_id, session_count, days::text FROM stats.standing WHERE product = 'all'"
        )
        stored = {row.user_id: (row.session_count, row.days) for row in connection.execute(standings)}
        through = (
            connection.execute(text("SELECT DISTINCT applied_through FROM stats.learner")).scalars().all()
        )
    assert through == [25]
    for user_id in range(1, 9):
        mine = [fact for fact in facts if fact.user_id == user_id]
        assert stored[user_id] == (25, spans({fact.local_date for fact in mine}))


def spans(days: set[date]) -> str:
    """Consecutive days as PostgreSQL writes them."""
    one = timedelta(days=1)
    firsts = sorted(day for day in days if day - one not in days)
    ends = sorted(day + one for day in days if day + one not in days)
    return f"{{{','.join(f'[{first},{end})' for first, end in zip(firsts, ends, strict=True))}}}"


def test_a_killed_child_and_a_database_that_restarts_lose_nothing(
    worker: Worker, publish_facts: Callable[[list[Completion]], None]
) -> None:
    """Without anybody sending again: the worker's own retries are enough for these."""
    postgres = start_postgres()
    upgrade("stats_service", postgres.url)
    worker.environment["DATABASE_URL"] = postgres.url
    engine = open_engine(postgres.url, pool_size=2, application="test")
    facts = [completion(user_id=1, user_seq=seq) for seq in range(1, 31)]
    try:
        worker.start()
        eventually(worker.heartbeat.exists)
        busy = engine.connect()
        busy.execute(text("LOCK TABLE stats.learner"))
        publish_facts(facts[:15])
        eventually(lambda: blocked_statements(engine) >= 2)
        for child in worker.family()[1:]:
            child.send_signal(signal.SIGKILL)
        busy.close()
        eventually(lambda: len(applied_ids(engine)) == 15)
        postgres.kill()
        publish_facts(facts[15:])
        eventually(lambda: b'"postponed": 5' in worker.log.read_bytes())
        postgres.restart()
        eventually(lambda: len(applied_ids(engine)) == 30)
        assert worker.stop() == 0
    finally:
        engine.dispose()
        postgres.stop()


def blocked_statements(engine: Engine) -> int:
    # A transaction would see the same activity for as long as it lasts.
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        waiting = text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
        return int(connection.execute(waiting).scalar_one())


def test_changes_of_calendar_are_kept_once_whatever_order_and_however_often_they_come(
    worker: Worker, transport: Server, engine: Engine, publish_facts: Callable[[list[Completion]], None]
) -> None:
    changes = [calendar_change(user_id=1, user_seq=seq) for seq in range(1, 21, 2)]
    facts = [completion(user_id=1, user_seq=seq) for seq in range(2, 21, 2)]
    twice = [*changes, *changes]
    Random(4).shuffle(twice)
    hints = redis.Redis.from_url(transport.url).pubsub()
    hints.subscribe(COUNTED_HINTS)
    worker.start()
    eventually(worker.heartbeat.exists)
    # Killed in the middle of a transaction on the learner, and sent again by nobody.
    busy = engine.connect()
    busy.execute(text("LOCK TABLE stats.learner"))
    publish_changes(transport, twice)
    publish_facts(facts)
    eventually(lambda: blocked_statements(engine) >= 2)
    for child in worker.family()[1:]:
        child.send_signal(signal.SIGKILL)
    busy.close()

    eventually(lambda: applied_through(engine) == 20)
    eventually(lambda: not queued(transport))
    heard = list[object]()
    while (message := hints.get_message(timeout=1)) is not None:
        heard.append(message["data"])
    # After the subscription, one for each transaction that counted something new: how far it came.
    places = [from_payload(payload)[1] for payload in heard[1:]]
    assert {user_id for user_id, _ in places} == {1}
    assert max(place for _, place in places) == 20
    hints.close()
    assert worker.stop() == 0
    with engine.connect() as connection:
        kept = connection.execute(text("SELECT event_id::text FROM stats.calendar_change")).scalars().all()
        standing = text("SELECT session_count FROM stats.standing WHERE product = 'all'")
        assert connection.execute(standing).scalar_one() == 10
    assert sorted(kept) == sorted(str(change.event_id) for change in changes)


def publish_changes(transport: Server, changes: list[CalendarChange]) -> None:
    """Sends changes of calendar as the session service does, in messages of five."""
    broker = open_broker(transport.url, "test")
    encoded = [base64.b64encode(calendar_event_of(change).SerializeToString()).decode() for change in changes]
    for first in range(0, len(encoded), 5):
        broker.send_task(CALENDAR_CHANGES_TASK, args=[encoded[first : first + 5]], queue=COMPLETIONS_QUEUE)
    broker.close()


def applied_through(engine: Engine) -> int:
    with engine.connect() as connection:
        through = connection.execute(text("SELECT max(applied_through) FROM stats.learner")).scalar_one()
    return int(through or 0)


async def test_bad_messages_block_nobody_and_badges_are_backfilled(
    worker: Worker,
    engine: Engine,
    transport: Server,
    fresh_database_url: str,
    publish_facts: Callable[[list[Completion]], None],
) -> None:
    broker = open_broker(transport.url, "test")
    good, bad = completion(user_id=1, user_seq=1), event_of(completion(user_id=1, user_seq=2))
    bad.local_date = "someday"
    bad_payload = base64.b64encode(bad.SerializeToString()).decode()
    broker.send_task("stats.no_such_task", args=[1], queue=COMPLETIONS_QUEUE)
    broker.send_task(COMPLETIONS_TASK, args=["not a list", 2], queue=COMPLETIONS_QUEUE)
    broker.send_task(COMPLETIONS_TASK, args=[["AAAA", 7, bad_payload]], queue=COMPLETIONS_QUEUE)
    publish_facts([good])
    worker.start()
    eventually(lambda: str(good.event_id) in applied_ids(engine))
    with engine.connect() as connection:
        rejected = connection.execute(text("SELECT event_id::text, reason FROM stats.rejected_event")).all()
    assert [tuple(row) for row in rejected] == [(bad.event_id, "local_date is not a date")]

    await publish(fresh_database_url, badge("first", 1))
    broker.send_task(BACKFILL_TASK, args=[0], queue=COMPLETIONS_QUEUE)
    broker.close()

    def awarded() -> bool:
        with engine.connect() as connection:
            return bool(connection.execute(text("SELECT count(*) FROM stats.awarded_badge")).scalar_one())

    eventually(awarded)


def test_the_heartbeat_is_fresh_while_the_worker_consumes_and_ages_while_redis_is_away(
    worker: Worker, transport: Server
) -> None:
    worker.start()
    eventually(worker.heartbeat.exists)
    started = worker.heartbeat.stat().st_mtime
    eventually(lambda: worker.heartbeat.stat().st_mtime > started)
    transport.kill()
    eventually(lambda: b"Connection refused" in worker.log.read_bytes())
    stopped = worker.heartbeat.stat().st_mtime
    eventually(lambda: time.time() - stopped > 1)
    assert worker.heartbeat.stat().st_mtime == stopped
    transport.restart()
    eventually(lambda: worker.heartbeat.stat().st_mtime > stopped)
    assert worker.stop() == 0


def test_no_child_outlives_its_worker(worker: Worker) -> None:
    worker.start()
    eventually(lambda: len(worker.family()) == 3)
    main, *children = worker.family()
    main.send_signal(signal.SIGKILL)
    eventually(lambda: not any(child.is_running() for child in children))


def test_the_worker_is_small(worker: Worker) -> None:
    worker.start()
    eventually(worker.heartbeat.exists)
    family = worker.family()
    print(f"{len(family)} processes, {[member.memory_info().rss // 2**20 for member in family]} MiB")
    assert all(member.memory_info().rss < 150 * 2**20 for member in family)
