"""The outbox under several relays."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import func, select, update

from service_kit.call import Call
from service_kit.db.engines import open_async_engine
from session_service.adapters.db import tables
from session_service.outbox.ports import DueEvent
from session_service.outbox.sql import SqlOutboxAdmin, SqlOutboxQueue
from tests.session_service.database import Database
from tests.waiting import PATIENCE_SECONDS

LATER = timedelta(minutes=1)


@pytest.fixture
async def outbox(fresh_database_url: str, user_id: int) -> AsyncIterator[Database]:
    """A database of its own with ten due events."""
    engine = open_async_engine(fresh_database_url, pool_size=10, application="test")
    database = Database(engine)
    for _ in range(10):
        await database.use.abandon_session(Call(user_id), await database.started(user_id))
    await _make_due(database)
    yield database
    await database.connections.close()
    await engine.dispose()


async def _make_due(database: Database) -> None:
    async with database.engine.begin() as connection:
        await connection.execute(update(tables.outbox).values(next_attempt_at=func.now()))


async def claim(queue: SqlOutboxQueue, limit: int) -> Sequence[DueEvent]:
    """Claims what is due, as far as nobody else does meanwhile."""
    return await queue.claim([event.event_id for event in await queue.look(limit)])


@pytest.fixture
def queue(outbox: Database) -> SqlOutboxQueue:
    return SqlOutboxQueue(outbox.engine)


async def test_a_fresh_event_is_not_due_before_its_first_wait(
    database: Database, new_user: Callable[[], int]
) -> None:
    user = new_user()
    await database.use.abandon_session(Call(user), await database.started(user))

    async with database.engine.connect() as connection:
        table = tables.outbox
        waits = await connection.execute(
            select(table.c.next_attempt_at - table.c.created_at).where(table.c.user_id == user)
        )
        assert waits.scalar_one() == timedelta(seconds=5)


async def test_relays_at_once_share_the_due_events_and_none_is_claimed_twice(outbox: Database) -> None:
    queues = [SqlOutboxQueue(outbox.engine) for _ in range(5)]

    rounds = await asyncio.gather(*(claim(queue, 3) for queue in queues))

    claimed = [event.event_id for events in rounds for event in events]
    assert len(claimed) == len(set(claimed))
    assert all(len(events) <= 3 for events in rounds)
    rest = await claim(queues[0], 100)
    assert {event.event_id for event in rest} | set(claimed) == set(
        await outbox.column("outbox", "event_id")  # type: ignore[arg-type]
    )


async def test_who_looks_holds_nothing_and_an_event_that_was_closed_meanwhile_is_not_claimed(
    outbox: Database, queue: SqlOutboxQueue
) -> None:
    seen = [event.event_id for event in await queue.look(4)]
    assert [event.event_id for event in await queue.look(4)] == seen
    await queue.acknowledge(seen[:1])
    await queue.acknowledge(seen[:2])
    claimed = await queue.claim(seen)
    assert {event.event_id for event in claimed} == set(seen[2:])
    assert all(event.payload for event in claimed)
    assert await queue.claim(seen) == []
    assert len(await queue.look(100)) == 6


async def test_a_claimed_event_is_left_alone_until_its_lease_is_over(outbox: Database) -> None:
    short = SqlOutboxQueue(outbox.engine, timedelta(milliseconds=300))

    claimed = await claim(short, 100)

    assert len(claimed) == 10
    assert await claim(short, 100) == []
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not (again := await claim(short, 100)):
            await asyncio.sleep(0.02)
    assert {event.event_id for event in again} == {event.event_id for event in claimed}


async def test_a_relay_that_dies_within_its_claim_holds_nothing(
    outbox: Database, queue: SqlOutboxQueue
) -> None:
    async with outbox.engine.connect() as dying:
        table = tables.outbox
        await dying.execute(select(table.c.event_id).with_for_update())
        assert await claim(queue, 100) == []

    assert len(await claim(queue, 100)) == 10


async def test_an_acknowledged_event_never_comes_back(outbox: Database, queue: SqlOutboxQueue) -> None:
    first, *others = await claim(queue, 100)

    await queue.acknowledge([first.event_id])
    await _make_due(outbox)

    assert {event.event_id for event in await claim(queue, 100)} == {event.event_id for event in others}


async def test_a_retry_counts_and_says_why_and_waits(outbox: Database, queue: SqlOutboxQueue) -> None:
    first, second, *_ = await claim(queue, 100)

    await queue.retry([first.event_id], counted=True, wait=LATER, error="no answer")
    await queue.retry([second.event_id], counted=False, wait=timedelta(0), error="")

    (due,) = await claim(queue, 100)
    assert (due.event_id, due.attempts) == (second.event_id, 0)
    table = tables.outbox
    async with outbox.engine.connect() as connection:
        row = (
            await connection.execute(
                select(table.c.attempts, table.c.last_error, table.c.next_attempt_at > func.now()).where(
                    table.c.event_id == first.event_id
                )
            )
        ).one()
    assert tuple(row) == (1, "no answer", True)


async def test_a_dead_letter_is_in_nobodys_way_and_can_be_revived(
    outbox: Database, queue: SqlOutboxQueue
) -> None:
    first, *_ = await claim(queue, 100)
    await queue.retry([first.event_id], counted=True, wait=LATER, error="")

    await queue.bury(first.event_id, "refused: no such thing")
    await _make_due(outbox)
    assert first.event_id not in {event.event_id for event in await claim(queue, 100)}
    assert await outbox.count("outbox", last_error="refused: no such thing") == 1

    assert await SqlOutboxAdmin(outbox.engine).requeue([first.event_id]) == 1
    (revived,) = await claim(queue, 100)
    assert (revived.event_id, revived.attempts) == (first.event_id, 0)
    assert revived.payload == first.payload


async def test_two_relays_that_heard_different_things_leave_a_row_that_is_one_of_them(
    outbox: Database, queue: SqlOutboxQueue
) -> None:
    arrived, late, dead, *_ = await claim(queue, 100)

    await queue.acknowledge([arrived.event_id])
    await queue.bury(arrived.event_id, "not applied, it seemed")
    await queue.retry([arrived.event_id], counted=True, wait=LATER, error="no answer")
    await queue.bury(late.event_id, "not applied yet")
    await queue.acknowledge([late.event_id])
    await queue.bury(dead.event_id, "refused: no such thing")
    await queue.retry([dead.event_id], counted=False, wait=LATER, error="no answer")

    letters = await SqlOutboxAdmin(outbox.engine).dead_letters(None, 10)
    assert [letter.event_id for letter in letters] == [dead.event_id]
    assert await outbox.count("outbox", last_error="refused: no such thing") == 1
    assert await outbox.count("outbox", last_error="no answer") == 0


async def test_what_was_closed_over_a_week_ago_is_forgotten_and_nothing_else(
    outbox: Database, queue: SqlOutboxQueue
) -> None:
    events = [event.event_id for event in await claim(queue, 100)]

    async def closed(event_id: UUID, days: int) -> None:
        await queue.acknowledge([event_id])
        async with outbox.engine.begin() as connection:
            await connection.execute(
                update(tables.outbox)
                .where(tables.outbox.c.event_id == event_id)
                .values(acked_at=func.now() - timedelta(days=days))
            )

    await closed(events[0], 8)
    await closed(events[1], 6)
    await queue.bury(events[2], "dead letters are kept")

    assert await queue.forget_old() == 1
    assert set(await outbox.column("outbox", "event_id")) == set(events[1:])
