"""How often starts, answers and ends ask the database, counted on the wire."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import grpc
import pytest
from practice.products.exercises.v1 import exercises_service_pb2 as exercises_pb
from practice.products.exercises.v1 import exercises_service_pb2_grpc as exercises_rpc
from practice.products.yoga.v1 import yoga_service_pb2 as yoga_pb
from practice.products.yoga.v1 import yoga_service_pb2_grpc as yoga_rpc
from practice.session.v1 import session_service_pb2_grpc as rpc

from session_service.main import serving
from session_service.settings import SessionSettings
from tests.session_service.clients import Learner, Metadata
from tests.wire import Wire, count, wire_to


@pytest.fixture
async def wire(session_settings: dict[str, Any]) -> AsyncIterator[tuple[Wire, grpc.aio.Channel]]:
    """A service whose database is behind a counting proxy."""
    async with (
        wire_to(session_settings["database_url"]) as (wire, behind),
        serving(SessionSettings(**{**session_settings, "database_url": behind})) as running,
        grpc.aio.insecure_channel(f"127.0.0.1:{running.port}") as channel,
    ):
        yield wire, channel


async def test_an_answer_alone_asks_the_database_once(
    wire: tuple[Wire, grpc.aio.Channel], me: Metadata
) -> None:
    counted, channel = wire
    # What clients send with each call; whether it is news, the statement that reads the session says.
    me = (*me, ("x-time-zone", "Asia/Tokyo"))
    learner = Learner(rpc.SessionServiceStub(channel), me)
    session = await learner.start()
    number = int(session.name.removeprefix("sessions/"))
    exercises = exercises_rpc.ExercisesServiceStub(channel)

    async def by_the_product() -> None:
        request = exercises_pb.SubmitAnswerRequest(session_id=number, user_answer="hable")
        request.exercise_id.string_value = "123"
        response = await exercises.SubmitAnswer(request, metadata=me)
        assert response.is_correct

    async def by_the_canonical_api() -> None:
        assert (await learner.answer(session.name, "hable")).results[0].correct

    # At first statements are prepared, and policies, keys and the session looked up.
    for call in (by_the_product, by_the_canonical_api):
        await call()
        assert await count(counted, call) == 1


async def test_an_answer_asks_three_times_where_another_process_wrote_meanwhile(
    wire: tuple[Wire, grpc.aio.Channel], me: Metadata, learner: Learner
) -> None:
    """It writes what is not so any more, reads, and writes."""
    counted, channel = wire
    mine = Learner(rpc.SessionServiceStub(channel), me)
    session = await mine.start()

    async def answer_after_somebody_else() -> None:
        # Past the proxy, by the service that the other is.
        await learner.answer(session.name, "hable")
        assert (await mine.answer(session.name, "hable")).results[0].correct

    await answer_after_somebody_else()
    assert await count(counted, answer_after_somebody_else) == 3


async def test_a_read_alone_asks_the_database_once(wire: tuple[Wire, grpc.aio.Channel], me: Metadata) -> None:
    counted, channel = wire
    learner = Learner(rpc.SessionServiceStub(channel), me).with_metadata(x_time_zone="Asia/Tokyo")
    session = await learner.start()

    for call in (
        partial(learner.call, "GetSession", name=session.name),
        partial(learner.call, "GetActiveSession", product="exercises"),
        partial(learner.call, "ListSessions"),
        partial(learner.call, "ListSessions", product="exercises"),
    ):
        # At first statements are prepared, and products looked up.
        for _ in range(6):
            await call()
        assert await count(counted, call) == 1


async def test_a_start_and_an_end_alone_ask_the_database_twice_each(
    wire: tuple[Wire, grpc.aio.Channel], me: Metadata
) -> None:
    counted, channel = wire
    learner = Learner(rpc.SessionServiceStub(channel), me).with_metadata(x_time_zone="Asia/Tokyo")
    opened: list[str] = []

    async def start() -> None:
        opened.append((await learner.start()).name)

    async def end() -> None:
        await learner.call("CompleteSession", name=opened.pop())

    # A learner's first start in a product goes alone; then statements are prepared, and policies looked up.
    for _ in range(3):
        await start()
    await end()
    assert 1 <= await count(counted, start) <= 2
    assert 1 <= await count(counted, end) <= 2


async def test_an_end_that_is_summed_up_asks_the_database_twice(
    wire: tuple[Wire, grpc.aio.Channel], me: Metadata
) -> None:
    counted, channel = wire
    learner = Learner(rpc.SessionServiceStub(channel), me).with_metadata(x_time_zone="Asia/Tokyo")
    yoga = yoga_rpc.YogaServiceStub(channel)

    async def end() -> None:
        number = int(opened.pop().removeprefix("sessions/"))
        request = yoga_pb.CompleteSessionRequest(
            session_id=number, completion_status="completed", duration_seconds=0
        )
        response = await yoga.CompleteSession(request, metadata=me)
        told.append(response.statistics.total_sessions)

    told: list[int] = []
    opened = [(await learner.start("yoga")).name for _ in range(10)]
    await end()
    assert 1 <= await count(counted, end) <= 2
    assert told == list(range(1, len(told) + 1))


async def test_a_key_costs_a_start_and_an_end_twice_more(
    wire: tuple[Wire, grpc.aio.Channel], me: Metadata
) -> None:
    counted, channel = wire
    learner = Learner(rpc.SessionServiceStub(channel), me).with_metadata(x_time_zone="Asia/Tokyo")
    keys = itertools.count()
    opened: list[str] = []

    def keyed() -> Learner:
        return learner.with_metadata(idempotency_key=f"key-{next(keys)}")

    async def start() -> None:
        opened.append((await keyed().start()).name)

    async def end() -> None:
        await keyed().call("CompleteSession", name=opened.pop())

    for _ in range(3):
        await start()
    await end()
    assert 1 <= await count(counted, start) <= 4
    assert 1 <= await count(counted, end) <= 4


async def test_a_draft_asks_the_database_once_changed_or_not(
    wire: tuple[Wire, grpc.aio.Channel], me: Metadata
) -> None:
    counted, channel = wire
    learner = Learner(rpc.SessionServiceStub(channel), me)
    session = await learner.start()
    versions = itertools.count()

    async def save_another() -> None:
        await learner.call("SaveDraft", name=session.name, content=f'{{"version": {next(versions)}}}')

    async def save_the_same() -> None:
        await learner.call("SaveDraft", name=session.name, content='{"version": 0}')

    for call in (save_another, save_the_same):
        for _ in range(2):
            await call()
        # What was saved last is remembered.
        assert await count(counted, call) == 1
