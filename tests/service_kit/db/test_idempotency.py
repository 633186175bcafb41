"""A repeated request gets its first answer back, whatever happens at the same time."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from google.api.httpbody_pb2 import HttpBody
from practice.identity.v1 import identity_service_pb2 as pb
from sqlalchemy import Column, Integer, MetaData, Table, Text, func, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from service_kit.call import Call, RequestIdentity
from service_kit.db.engines import open_async_engine
from service_kit.db.idempotency import IdempotencyHousekeeping, IdempotencyRecord, idempotency_table
from service_kit.errors import ConflictError
from service_kit.grpc.guards import RawReaders, with_request_identity
from tests.databases import lock_waiters

metadata = MetaData(schema="kit_test")
records = idempotency_table(metadata)
effects = Table("effects", metadata, Column("id", Integer, primary_key=True), Column("key", Text))

_numbers = itertools.count(1)


@dataclass(frozen=True)
class Answer:
    """What the command under test answers."""

    number: int
    at: datetime


@pytest.fixture
async def engine(database_url: str) -> AsyncIterator[AsyncEngine]:
    engine = open_async_engine(database_url, pool_size=8, application="test")
    async with engine.begin() as connection:
        await connection.execute(text("CREATE SCHEMA IF NOT EXISTS kit_test"))
        await connection.run_sync(metadata.create_all)
    yield engine
    await engine.dispose()


def new_call(**changes: Any) -> Call:
    identity = RequestIdentity(f"key {next(_numbers)}", "/kit.Test/Do", b"digest")
    return Call(user_id=7, request=replace(identity, **changes))


Command = Callable[..., Coroutine[Any, Any, Answer]]


@pytest.fixture
def command(engine: AsyncEngine) -> Command:
    """Has one effect and answers with its number."""

    async def command(
        call: Call, before_commit: Callable[[AsyncConnection], Awaitable[object]] | None = None
    ) -> Answer:
        async with engine.connect() as connection:
            record = IdempotencyRecord(connection, records)
            earlier = await record.claim(call, Answer)
            if earlier is not None:
                return earlier
            key = call.request.key if call.request else None
            number = (
                await connection.execute(insert(effects).values(key=key).returning(effects.c.id))
            ).scalar_one()
            answer = Answer(number, datetime.now(UTC))
            await record.remember(call, answer, Answer)
            if before_commit is not None:
                await before_commit(connection)
            await connection.commit()
        return answer

    return command


@pytest.fixture
def count_effects(engine: AsyncEngine) -> Callable[[Call], Awaitable[int]]:
    async def count_effects(call: Call) -> int:
        assert call.request is not None
        query = select(func.count()).where(effects.c.key == call.request.key)
        async with engine.connect() as connection:
            return await connection.scalar(query) or 0

    return count_effects


async def test_repeats_at_the_same_time_have_one_effect_and_one_answer(
    command: Command, count_effects: Callable[[Call], Awaitable[int]]
) -> None:
    for _ in range(5):
        call = new_call()

        first, *others = await asyncio.gather(*(command(call) for _ in range(8)))

        assert others == [first] * 7
        assert await count_effects(call) == 1


async def test_a_repeat_waits_for_the_first_that_is_under_way(
    command: Command, database_url: str, count_effects: Callable[[Call], Awaitable[int]]
) -> None:
    call, go = new_call(), asyncio.Event()
    under_way = asyncio.Event()

    async def pause(_: AsyncConnection) -> None:
        under_way.set()
        await go.wait()

    first = asyncio.create_task(command(call, pause))
    await under_way.wait()
    second = asyncio.create_task(command(call))
    await lock_waiters(database_url)
    assert not second.done()
    go.set()

    assert await second == await first
    assert await count_effects(call) == 1


async def test_a_repeat_does_the_work_when_the_first_is_undone(
    command: Command, database_url: str, count_effects: Callable[[Call], Awaitable[int]]
) -> None:
    call, go, under_way = new_call(), asyncio.Event(), asyncio.Event()

    async def fail(_: AsyncConnection) -> None:
        under_way.set()
        await go.wait()
        raise RuntimeError("undone")

    first = asyncio.create_task(command(call, fail))
    await under_way.wait()
    second = asyncio.create_task(command(call))
    await lock_waiters(database_url)
    go.set()

    with pytest.raises(RuntimeError, match="undone"):
        await first
    answer = await second
    assert await command(call) == answer
    assert await count_effects(call) == 1


@pytest.mark.parametrize("change", [{"digest": b"other"}, {"method": "/kit.Test/Other"}])
async def test_a_key_with_another_request_is_refused(command: Command, change: dict[str, Any]) -> None:
    call = new_call()
    answer = await command(call)
    assert call.request is not None

    with pytest.raises(ConflictError) as raised:
        await command(replace(call, request=replace(call.request, **change)))

    assert raised.value.reason == "IDEMPOTENCY_KEY_REUSED"
    assert raised.value.metadata == {"key": call.request.key}
    assert await command(call) == answer


async def test_of_two_requests_at_the_same_time_with_one_key_one_is_refused(command: Command) -> None:
    call = new_call()
    assert call.request is not None
    other = replace(call, request=replace(call.request, digest=b"other"))

    outcomes = await asyncio.gather(command(call), command(other), return_exceptions=True)

    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Answer", "ConflictError"]


async def test_users_do_not_share_keys(command: Command) -> None:
    call = new_call()

    assert await command(call) != await command(replace(call, user_id=8))


async def test_a_request_without_a_key_is_new_every_time(command: Command) -> None:
    call = Call(user_id=7)

    assert await command(call) != await command(call)


async def test_keys_are_kept_for_three_days(command: Command, engine: AsyncEngine) -> None:
    old, young = new_call(), new_call()
    first, second = await command(old), await command(young)
    assert old.request is not None
    assert young.request is not None
    aged = update(records).where(records.c.key == old.request.key)

    async with engine.begin() as connection:
        await connection.execute(aged.values(created_at=datetime.now(UTC) - timedelta(hours=72, minutes=1)))
    await IdempotencyHousekeeping(engine, records)()

    keys = select(records.c.key).where(records.c.key.in_([old.request.key, young.request.key]))
    async with engine.connect() as connection:
        assert (await connection.scalars(keys)).all() == [young.request.key]
    assert await command(young) == second
    assert await command(old) != first


async def identified(
    request: Any, header: str = "", raw_readers: RawReaders | None = None
) -> RequestIdentity | None:
    metadata = {"idempotency-key": header} if header else {}
    return (await with_request_identity(Call(), "/m", request, metadata, raw_readers=raw_readers)).request


async def test_the_digest_is_of_what_was_asked_for_and_not_of_the_key() -> None:
    one = await identified(pb.SignUpRequest(email="a@example.com", request_id="one"))
    two = await identified(pb.SignUpRequest(email="a@example.com", request_id="two"))
    other = await identified(pb.SignUpRequest(email="b@example.com", request_id="one"))
    header = await identified(pb.SignUpRequest(email="a@example.com"), header="one")

    assert one and two and other and header
    assert one.digest == two.digest == header.digest != other.digest
    assert (one.key, two.key, header.key) == ("one", "two", "one")


async def test_the_field_of_the_request_goes_before_the_header() -> None:
    request = await identified(pb.SignUpRequest(request_id="field"), header="header")

    assert request and request.key == "field"
    assert await identified(pb.GetMeRequest()) is None


async def test_what_a_service_reads_by_itself_is_the_same_request_when_it_reads_the_same() -> None:
    readers: RawReaders = {"/m": lambda request: (bytes(request.data).replace(b" ", b""), request.data)}
    one = await identified(HttpBody(data=b"[1, 2]"), "key", readers)
    two = await identified(HttpBody(data=b"[1,2]"), "key", readers)
    other = await identified(HttpBody(data=b"[1,3]"), "key", readers)

    assert one and two and other
    assert one.digest == two.digest != other.digest
