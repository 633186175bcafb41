"""A repeated request gets its first answer whole, whatever the work became since."""

from __future__ import annotations

import asyncio
import itertools
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from practice.catalog.v1 import exercise_pb2
from sqlalchemy import MetaData, func, select, text, update
from sqlalchemy.ext.asyncio import AsyncEngine

from service_kit.call import Call, RequestIdentity, current_call
from service_kit.db.engines import open_async_engine
from service_kit.db.idempotency import IdempotencyRecord, SqlSavedResponses, idempotency_table
from service_kit.once import SavedResponse, SavedResponses
from tests.service_kit.conftest import SERVICE, Serve
from tests.tokens import TestTokens

metadata = MetaData(schema="kit_answers")
records = idempotency_table(metadata)


@pytest.fixture
async def engine(database_url: str) -> AsyncIterator[AsyncEngine]:
    engine = open_async_engine(database_url, pool_size=8, application="test")
    async with engine.begin() as connection:
        await connection.execute(text("CREATE SCHEMA IF NOT EXISTS kit_answers"))
        await connection.run_sync(metadata.create_all)
    yield engine
    await engine.dispose()


class Work:
    """A command whose answers show how far the world has moved on."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._turns = itertools.count(1)
        self.effects = 0

    async def __call__(self, _: object) -> exercise_pb2.Exercise:
        async with self._engine.connect() as connection:
            record = IdempotencyRecord(connection, records)
            if await record.claim(current_call(), int) is None:
                self.effects += 1
                await record.remember(current_call(), 1, int)
                await connection.commit()
        return exercise_pb2.Exercise(name=f"exercises/{next(self._turns)}")


@pytest.fixture
def work(engine: AsyncEngine) -> Work:
    return Work(engine)


@pytest.fixture
def keyed(tokens: TestTokens) -> Callable[[], Any]:
    """Makes the metadata of a call under a key of its own."""

    def make() -> Any:
        return (*tokens.bearer(7), ("idempotency-key", str(uuid.uuid4())))

    return make


Keyed = Callable[[], Any]


async def test_a_repeat_gets_the_first_answer_and_another_key_a_new_one(
    serve: Serve, engine: AsyncEngine, work: Work, keyed: Keyed
) -> None:
    one, other = keyed(), keyed()
    async with serve(work, responses=SqlSavedResponses(engine, records)) as get:
        names = [(await get(key, service=SERVICE)).name for key in (one, one, other, one)]

    assert names == ["exercises/1", "exercises/1", "exercises/2", "exercises/1"]
    assert work.effects == 2


async def test_requests_at_the_same_instant_all_get_one_answer(
    serve: Serve, engine: AsyncEngine, work: Work, keyed: Keyed
) -> None:
    key = keyed()
    async with serve(work, responses=SqlSavedResponses(engine, records)) as get:
        answers = await asyncio.gather(*(get(key, service=SERVICE) for _ in range(8)))

    assert len({answer.name for answer in answers}) == 1
    assert work.effects == 1


async def test_an_answer_that_was_lost_is_made_anew_of_the_outcome_and_stays(
    serve: Serve, engine: AsyncEngine, work: Work, keyed: Keyed
) -> None:
    key = keyed()
    async with serve(work, responses=SqlSavedResponses(engine, records)) as get:
        await get(key, service=SERVICE)
        async with engine.begin() as connection:
            await connection.execute(update(records).values(response=None, response_headers=None))
        names = [(await get(key, service=SERVICE)).name for _ in range(2)]

    assert names == ["exercises/2", "exercises/2"]
    assert work.effects == 1


async def test_what_changes_nothing_is_answered_as_it_is_now(
    serve: Serve, engine: AsyncEngine, keyed: Keyed
) -> None:
    turns = itertools.count(1)

    async def read(_: object) -> exercise_pb2.Exercise:
        return exercise_pb2.Exercise(name=f"exercises/{next(turns)}")

    key = keyed()
    async with serve(read, responses=SqlSavedResponses(engine, records)) as get:
        names = [(await get(key, service=SERVICE)).name for _ in range(2)]

    assert names == ["exercises/1", "exercises/2"]


async def test_an_answer_that_cannot_be_kept_is_given_all_the_same(
    serve: Serve, work: Work, keyed: Keyed
) -> None:
    class Full:
        async def find(self, call: Call) -> SavedResponse | None:
            return None

        async def keep(self, call: Call, response: SavedResponse) -> SavedResponse:
            raise OSError("no room")

    full: SavedResponses = Full()
    async with serve(work, responses=full) as get:
        assert (await get(keyed(), service=SERVICE)).name == "exercises/1"


@pytest.fixture
def claim(engine: AsyncEngine) -> Callable[[Call], Awaitable[None]]:
    """Does what a command does to the record."""

    async def claim(call: Call) -> None:
        async with engine.begin() as connection:
            record = IdempotencyRecord(connection, records)
            await record.claim(call, int)
            await record.remember(call, 1, int)

    return claim


async def test_an_answer_of_mebibytes_comes_back_with_its_headers(
    engine: AsyncEngine, claim: Callable[[Call], Awaitable[None]]
) -> None:
    call = Call(user_id=8, request=RequestIdentity(str(uuid.uuid4()), "/kit.Test/Do", b"digest"))
    responses = SqlSavedResponses(engine, records)
    large = SavedResponse(
        b'{"elements": [1, 2, 3]}' * 100_000, (("etag", '"a"'), ("x-practice-status", "201"))
    )
    await claim(call)

    assert await responses.keep(call, large) == large
    assert await responses.keep(call, SavedResponse(b"later")) == large
    assert await responses.find(call) == large
    async with engine.connect() as connection:
        query = select(func.length(records.c.response)).where(records.c.user_id == 8)
        assert (await connection.execute(query)).scalars().all()[-1] < len(large.message) / 20


async def test_another_request_under_the_key_finds_no_answer(
    engine: AsyncEngine, claim: Callable[[Call], Awaitable[None]]
) -> None:
    key, responses = str(uuid.uuid4()), SqlSavedResponses(engine, records)
    call = Call(user_id=9, request=RequestIdentity(key, "/kit.Test/Do", b"digest"))
    await claim(call)
    await responses.keep(call, SavedResponse(b"first"))

    for other in (
        Call(user_id=10, request=call.request),
        Call(user_id=9, request=RequestIdentity(key, "/kit.Test/Other", b"digest")),
        Call(user_id=9, request=RequestIdentity(key, "/kit.Test/Do", b"other")),
        Call(user_id=9),
    ):
        assert await responses.find(other) is None
