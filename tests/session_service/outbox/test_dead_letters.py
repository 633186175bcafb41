"""The outbox as an operator sees it."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import func, select, text, update

from service_kit.call import Call
from service_kit.db.engines import open_async_engine
from session_service.adapters.db import tables
from session_service.outbox.grpc import OutboxUseCases
from session_service.outbox.sql import SqlOutboxAdmin, SqlOutboxQueue
from session_service.outbox.use_cases import GetOutbox, ListDeadLetters, RequeueDeadLetters
from tests.session_service.database import Database

outbox = tables.outbox


@pytest.fixture
async def database(fresh_database_url: str, user_id: int) -> AsyncIterator[Database]:
    """A database of its own with five events."""
    engine = open_async_engine(fresh_database_url, pool_size=5, application="test")
    database = Database(engine)
    for _ in range(5):
        await database.use.abandon_session(Call(user_id), await database.started(user_id))
    yield database
    await database.connections.close()
    await engine.dispose()


@pytest.fixture
def use(database: Database) -> OutboxUseCases:
    outbox = SqlOutboxAdmin(database.engine)
    return OutboxUseCases(GetOutbox(outbox), ListDeadLetters(outbox), RequeueDeadLetters(outbox))


async def event_ids(database: Database) -> list[UUID]:
    """The events in the order in which they were written."""
    async with database.engine.connect() as connection:
        return list(
            (await connection.execute(select(outbox.c.event_id).order_by(outbox.c.user_seq))).scalars()
        )


async def bury(database: Database, *buried: UUID) -> None:
    """Gives events up, one after another."""
    queue = SqlOutboxQueue(database.engine)
    for event_id in buried:
        await queue.bury(event_id, f"refused {event_id}")


async def test_nothing_of_an_empty_outbox_waits_or_is_dead(database: Database, use: OutboxUseCases) -> None:
    await SqlOutboxQueue(database.engine).acknowledge(await event_ids(database))

    state = await use.get_outbox()

    assert (state.waiting, state.dead, state.oldest_waiting) == (0, 0, None)
    assert await use.list_dead_letters(after=None, limit=10) == []


async def test_what_waits_and_what_is_dead_is_counted_with_the_age_of_the_oldest(
    database: Database, use: OutboxUseCases
) -> None:
    closed, dead, old, *_ = await event_ids(database)
    await SqlOutboxQueue(database.engine).acknowledge([closed])
    await bury(database, dead)
    async with database.engine.begin() as connection:
        for event_id, hours in ((closed, 50), (dead, 40), (old, 3)):
            await connection.execute(
                update(outbox)
                .where(outbox.c.event_id == event_id)
                .values(created_at=func.now() - timedelta(hours=hours))
            )

    state = await use.get_outbox()

    assert (state.waiting, state.dead) == (3, 1)
    assert state.oldest_waiting is not None
    assert timedelta(hours=3) <= state.oldest_waiting < timedelta(hours=3, minutes=1)


async def test_dead_letters_are_listed_the_latest_first_and_in_parts(
    database: Database, use: OutboxUseCases, user_id: int
) -> None:
    first, second, third, *_ = await event_ids(database)
    await bury(database, second, first, third)

    page = await use.list_dead_letters(after=None, limit=2)
    rest = await use.list_dead_letters(after=(page[-1].dead_at, page[-1].event_id), limit=2)

    assert [letter.event_id for letter in (*page, *rest)] == [third, first, second]
    assert (page[1].user_id, page[1].user_seq, page[1].kind) == (user_id, 1, "session_ended")
    assert page[1].last_error == f"refused {first}"


async def test_letters_that_died_at_one_instant_are_each_listed_once(
    database: Database, use: OutboxUseCases
) -> None:
    async with database.engine.begin() as connection:
        await connection.execute(update(outbox).values(dead_at=func.now()))

    seen: list[UUID] = []
    after = None
    while page := await use.list_dead_letters(after=after, limit=2):
        seen += [letter.event_id for letter in page]
        after = (page[-1].dead_at, page[-1].event_id)

    assert sorted(seen) == sorted(await event_ids(database))
    assert len(seen) == 5


async def test_named_dead_letters_live_again_and_nothing_else_is_touched(
    database: Database, use: OutboxUseCases
) -> None:
    closed, waiting, dead, left, _ = await event_ids(database)
    await SqlOutboxQueue(database.engine).acknowledge([closed])
    await bury(database, dead, left)
    untouched = select(outbox).where(outbox.c.event_id != dead).order_by(outbox.c.event_id)
    async with database.engine.connect() as connection:
        before = (await connection.execute(untouched)).all()

    assert await use.requeue_dead_letters([closed, waiting, dead, uuid.uuid4()]) == 1
    assert await use.requeue_dead_letters([dead]) == 0

    async with database.engine.connect() as connection:
        assert (await connection.execute(untouched)).all() == before
    (due,) = await SqlOutboxQueue(database.engine).look(10)
    assert (due.event_id, due.attempts) == (dead, 0)


async def test_all_dead_letters_live_again_when_none_is_named(
    database: Database, use: OutboxUseCases
) -> None:
    await bury(database, *(await event_ids(database))[:3])

    assert await use.requeue_dead_letters([]) == 3
    assert await use.requeue_dead_letters([]) == 0
    assert (await use.get_outbox()).dead == 0


async def test_dead_letters_are_found_by_an_index_of_their_own(database: Database) -> None:
    async with database.engine.begin() as connection:
        await connection.execute(text("SET LOCAL enable_seqscan = off"))
        plan = await connection.execute(
            text(
                "EXPLAIN SELECT event_id FROM session.outbox WHERE dead_at IS NOT NULL ORDER BY dead_at DESC"
            )
        )
        assert "outbox_dead" in "\n".join(plan.scalars())
