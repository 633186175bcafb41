"""Whatever is under way while a person is erased: nothing of theirs is left."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from sqlalchemy import asc, desc

from service_kit.call import Call
from service_kit.db.data_categories import SqlPersonalData
from service_kit.errors import AccountErasedError
from session_service.adapters.db import tables
from session_service.adapters.db.personal_data import open_personal_data
from session_service.domain.errors import SessionNotFoundError
from session_service.domain.practice_session import PracticeSession
from session_service.domain.states import Change
from tests.personal_data import rows_of
from tests.session_service.database import Database
from tests.session_service.products import SHIPPED_PRODUCTS
from tests.waiting import PATIENCE_SECONDS


@pytest.fixture
def data(database: Database) -> SqlPersonalData:
    return open_personal_data(database.engine)


async def fresh(database: Database, user_id: int) -> PracticeSession:
    async with database.unit_of_work() as work:
        return PracticeSession.start(
            user_id=user_id,
            product=SHIPPED_PRODUCTS["exercises"],
            mode="",
            content="",
            planned_seconds=None,
            calendar=await work.learners.calendar(user_id),
            now=datetime.now(UTC),
        )


async def test_a_start_that_is_not_committed_is_waited_for_and_removed(
    database: Database, data: SqlPersonalData, user_id: int, database_url: str
) -> None:
    session = await fresh(database, user_id)
    async with database.unit_of_work() as work:
        assert await work.sessions.add(session)
        erasing = asyncio.create_task(data.erase(user_id, "one"))
        await database.until_waiting(1)
        assert not erasing.done()
        await work.commit()

    assert (await erasing).removed["sessions"] == 1
    assert rows_of(database_url, user_id, "session") == {}


async def test_a_start_that_comes_while_the_tombstone_is_placed_is_refused(
    database: Database, data: SqlPersonalData, user_id: int, database_url: str
) -> None:
    holder = await fresh(database, user_id)
    async with database.unit_of_work() as first:
        await first.sessions.add(holder)
        erasing = asyncio.create_task(data.erase(user_id, "one"))
        await database.until_waiting(1)
        starting = asyncio.create_task(database.use.start_session(Call(user_id), product="exercises"))
        await database.until_waiting(2)
        await first.commit()

    await erasing
    with pytest.raises(AccountErasedError):
        await starting
    assert rows_of(database_url, user_id, "session") == {}


async def test_an_answer_under_way_goes_with_its_session(
    database: Database, data: SqlPersonalData, user_id: int, database_url: str
) -> None:
    ref = await database.started(user_id)
    async with database.unit_of_work() as work:
        session = await work.sessions.lock(user_id, ref)
        erasing = asyncio.create_task(data.erase(user_id, "one"))
        await database.until_waiting(1)
        await work.sessions.save(Change.NOTED, session.annotate("late", now=datetime.now(UTC)))
        await work.commit()

    assert (await erasing).removed["changes"] == 1
    assert rows_of(database_url, user_id, "session") == {}
    with pytest.raises(SessionNotFoundError):
        await database.use.complete_session(Call(user_id), ref)


async def test_an_erasure_that_was_broken_off_goes_on_and_counts_everything(
    database: Database,
    data: SqlPersonalData,
    user_id: int,
    monkeypatch: pytest.MonkeyPatch,
    database_url: str,
) -> None:
    for _ in range(3):
        await database.use.abandon_session(Call(user_id), await database.started(user_id))
    monkeypatch.setattr("service_kit.db.data_categories._PARENTS", 2)

    async with database.engine.connect() as connection:
        # The second batch waits for it, longer than a command may.
        newest = tables.practice_session.select().where(tables.practice_session.c.user_id == user_id)
        ordered = newest.order_by(tables.practice_session.c.id.desc()).limit(1).with_for_update()
        await connection.execute(ordered)
        erasing = asyncio.create_task(data.erase(user_id, "one"))
        await database.until_waiting(1)
        assert await database.count("practice_session", user_id=user_id) == 1
        erasing.cancel()
        await asyncio.gather(erasing, return_exceptions=True)

    report = await data.erase(user_id, "one")
    assert report.removed["sessions"] == 3
    assert rows_of(database_url, user_id, "session") == {}


async def test_two_who_erase_at_once_leave_nothing_and_both_tell_all(
    database: Database,
    data: SqlPersonalData,
    user_id: int,
    monkeypatch: pytest.MonkeyPatch,
    database_url: str,
) -> None:
    for _ in range(3):
        await database.use.abandon_session(Call(user_id), await database.started(user_id))
    events = await database.count("outbox", user_id=user_id)
    monkeypatch.setattr("service_kit.db.data_categories._BATCH", 1)

    mine = tables.outbox.select().where(tables.outbox.c.user_id == user_id).limit(1).with_for_update()
    first, last = (mine.order_by(order(tables.outbox.c.user_seq)) for order in (asc, desc))
    async with database.engine.connect() as at_first, database.engine.connect() as at_last:
        await at_first.execute(first)
        await at_last.execute(last)
        erasing = [asyncio.create_task(data.erase(user_id, "one")) for _ in range(2)]
        await database.until_waiting(2)
        await at_first.rollback()
        # Whoever found the first event gone has not taken the rest for gone, too.
        async with asyncio.timeout(PATIENCE_SECONDS):
            while await database.count("outbox", user_id=user_id) > 1:
                await asyncio.sleep(0.02)
        await database.until_waiting(2)
        assert not any(each.done() for each in erasing)

    reports = await asyncio.gather(*erasing)
    assert [report.removed["events"] for report in reports] == [events] * 2
    assert events > 1
    assert rows_of(database_url, user_id, "session") == {}


async def test_who_was_never_there_is_never_there_later(
    database: Database, data: SqlPersonalData, new_user: Callable[[], int]
) -> None:
    user_id = new_user()
    assert set((await data.erase(user_id, "one")).removed.values()) == {0}
    with pytest.raises(AccountErasedError):
        async with database.unit_of_work() as work:
            await work.learners.next_seq(user_id)
    await database.use.remember_calendar(user_id, "Asia/Tokyo", datetime(2026, 1, 1, tzinfo=UTC))
    assert await database.count("learner", user_id=user_id) == 0
