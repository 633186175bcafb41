"""The service's process: killed at any moment, and asked to stop."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import grpc
import pytest
from practice.session.v1 import session_service_pb2 as pb
from practice.session.v1 import session_service_pb2_grpc as rpc
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncEngine

from deploy.local.servers import free_port, start_postgres
from service_kit.db import migrate
from service_kit.db.engines import open_async_engine
from session_service.adapters.db import tables
from session_service.main import serving
from session_service.settings import SessionSettings
from tests.grpc_errors import Refusal
from tests.session_service.clients import Learner
from tests.session_service.processes import Process, connected, restart, running, until_serving
from tests.session_service.statistics import Statistics, consuming, take_published
from tests.tokens import TestTokens
from tests.waiting import PATIENCE_SECONDS, until

SERVICE, RELAY = "session_service.main", "session_service.relay"
Code = grpc.StatusCode


@pytest.fixture
async def settings(session_settings: dict[str, Any], fresh_database_url: str) -> dict[str, Any]:
    """A service at a port of its own on a database of its own, whose relay looks at once."""
    await take_published(session_settings["redis_url"])
    return {
        **session_settings,
        "database_url": fresh_database_url,
        "listen": f"127.0.0.1:{free_port()}",
        "outbox_first_wait_seconds": 0.2,
        "relay_interval_seconds": 0.05,
    }


@pytest.fixture
async def database(settings: dict[str, Any]) -> AsyncIterator[AsyncEngine]:
    engine = open_async_engine(settings["database_url"], pool_size=3, application="test")
    yield engine
    await engine.dispose()


async def persist(learner: Learner, method: str, **fields: Any) -> Any:
    """Repeats a call with its key until it is answered."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            try:
                request = getattr(pb, f"{method}Request")(**fields)
                call = getattr(learner.sessions, method)
                return await call(request, metadata=learner.metadata, timeout=5, wait_for_ready=True)
            except grpc.aio.AioRpcError as error:
                # What a dying server leaves behind; anything else is a mistake of ours.
                assert error.code() in (Code.UNAVAILABLE, Code.CANCELLED, Code.DEADLINE_EXCEEDED), error
                await asyncio.sleep(0.01)


async def test_a_service_killed_again_and_again_keeps_each_completion_exactly_once(
    settings: dict[str, Any],
    database: AsyncEngine,
    statistics: Statistics,
    tokens: TestTokens,
    new_user: Callable[[], int],
    tmp_path: Path,
) -> None:
    users = [new_user() for _ in range(3)]
    acknowledged: dict[tuple[int, str], Any] = {}

    async def practise(learner: Learner, user: int, hand: int) -> None:
        for turn in range(25):
            key = f"{hand}-{turn}"
            started = await persist(learner, "StartSession", product="exercises", request_id=f"start-{key}")
            ended = await persist(
                learner, "CompleteSession", name=started.session.name, request_id=f"end-{key}"
            )
            assert ended.name == started.session.name
            acknowledged[user, key] = ended

    async def crash(process: Process, at: int) -> Process:
        await until(lambda: len(acknowledged) >= at)
        process.kill()
        return Process(SERVICE, settings, tmp_path / "service.log")

    process = Process(SERVICE, settings, tmp_path / "service.log")
    try:
        async with connected(settings["listen"]) as channel, consuming(settings["redis_url"], statistics):
            stub = rpc.SessionServiceStub(channel)
            learners = {user: Learner(stub, tokens.bearer(user)) for user in users}
            hands = asyncio.gather(
                *(practise(learners[user], user, hand) for user in users for hand in range(2))
            )
            for at in (20, 60, 110):
                process = await crash(process, at)
            await hands

            # Asked once more, everything is answered as it was.
            for (user, key), ended in list(acknowledged.items())[::10]:
                again = await persist(
                    learners[user], "CompleteSession", name=ended.name, request_id=f"end-{key}"
                )
                assert (again.name, again.user_seq) == (ended.name, ended.user_seq)

            with running(RELAY, settings, tmp_path / "relay.log") as relay:
                await until(lambda: _unacknowledged(database, 0))
                assert relay.exit_code is None
    finally:
        process.kill()

    assert len(acknowledged) == 150
    sessions, outbox = tables.practice_session, tables.outbox
    async with database.connect() as connection:
        stored = (await connection.execute(select(sessions.c.id, sessions.c.user_id, sessions.c.state))).all()
        events = (await connection.execute(select(outbox))).all()
    assert len(stored) == 150
    assert {row.state for row in stored} == {"completed"}
    assert {f"sessions/{row.id}" for row in stored} == {ended.name for ended in acknowledged.values()}
    assert Counter(row.aggregate_id for row in events) == Counter(row.id for row in stored)
    for user in users:
        assert sorted(row.user_seq for row in events if row.user_id == user) == list(range(1, 51))
    assert statistics.applied == {str(row.event_id): row.payload for row in events}
    assert all(row.acked_at and not row.dead_at for row in events)


async def _unacknowledged(database: AsyncEngine, count: int) -> bool:
    statement = select(func.count()).where(tables.outbox.c.acked_at.is_(None))
    async with database.connect() as connection:
        return (await connection.execute(statement)).scalar_one() == count


async def test_a_service_asked_to_stop_answers_the_calls_under_way_and_leaves_in_peace(
    settings: dict[str, Any], statistics: Statistics, tokens: TestTokens, user_id: int, tmp_path: Path
) -> None:
    settings = {**settings, "shutdown_grace_seconds": 5}
    with running(SERVICE, settings, tmp_path / "service.log") as process:
        async with connected(settings["listen"]) as channel:
            await until_serving(channel)
            learner = Learner(rpc.SessionServiceStub(channel), tokens.bearer(user_id))
            names = [(await learner.start()).name for _ in range(10)]
            statistics.answering.clear()
            ending = [learner.call("CompleteSession", name=name) for name in names]
            await until(lambda: len(statistics.asked) == 10)
            process.terminate()
            statistics.answering.set()

            ended = await asyncio.gather(*ending)
            assert sorted(session.user_seq for session in ended) == list(range(1, 11))
        await until(lambda: process.exit_code is not None)

        assert process.exit_code == 0


async def test_a_taken_port_is_an_error_and_not_a_second_server(
    settings: dict[str, Any], tmp_path: Path
) -> None:
    async with serving(SessionSettings(**settings)):
        with running(SERVICE, settings, tmp_path / "second.log") as second:
            await until(lambda: second.exit_code is not None)

            assert second.exit_code != 0


async def test_a_service_without_its_settings_does_not_start(tmp_path: Path) -> None:
    with running(SERVICE, {"listen": "127.0.0.1:0", "internal_token_file": ""}, tmp_path / "log") as process:
        await until(lambda: process.exit_code is not None)

        assert process.exit_code != 0
        assert "error: DATABASE_URL is missing" in process.log.read_text()


async def test_a_database_that_crashes_and_comes_back_costs_refusals_that_may_be_retried(
    settings: dict[str, Any], tokens: TestTokens, new_user: Callable[[], int], tmp_path: Path
) -> None:
    postgres = start_postgres()
    try:
        await asyncio.to_thread(migrate.upgrade, "session_service", postgres.url)
        settings = {**settings, "database_url": postgres.url}
        async with (
            serving(SessionSettings(**settings)) as server,
            connected(f"127.0.0.1:{server.port}") as channel,
        ):
            stub = rpc.SessionServiceStub(channel)
            learners = [Learner(stub, tokens.bearer(new_user())) for _ in range(4)]
            answered: Counter[str] = Counter()

            async def practise(learner: Learner) -> None:
                while not back.is_set() or answered["OK"] < enough:
                    try:
                        await learner.start("yoga")
                        answered["OK"] += 1
                    except grpc.aio.AioRpcError as error:
                        refused = Refusal(error)
                        answered[f"{refused.code.name} {refused.reason}"] += 1

            enough, back = 0, asyncio.Event()
            async with asyncio.timeout(PATIENCE_SECONDS), asyncio.TaskGroup() as hands:
                for learner in learners:
                    hands.create_task(practise(learner))
                await until(lambda: answered["OK"] > 20)
                postgres.kill()
                await until(lambda: sum(answered.values()) > answered["OK"] + 20)
                await restart(postgres)
                enough = answered["OK"] + 20
                back.set()
    finally:
        postgres.stop()

    assert set(answered) == {"OK", "UNAVAILABLE DEPENDENCY_UNAVAILABLE"}
