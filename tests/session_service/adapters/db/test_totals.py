"""What is counted of sessions is what there is, and a page of a history costs no count."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from service_kit.call import Call
from service_kit.db.engines import close_async_engine, open_async_engine
from session_service.adapters.db import readers
from session_service.application.ports.readers import SessionSelection
from session_service.application.ports.sessions import Summary
from session_service.domain.states import ENDED, State
from tests.plans import round_trips_of, rows_read_by, statements_of
from tests.session_service.database import Database

COUNTED = """
    SELECT product, count(*), count(ended_at), count(*) FILTER (WHERE state = 'completed'),
        coalesce(sum(elapsed_seconds) FILTER (WHERE state = 'completed'), 0)
    FROM session.practice_session WHERE user_id = :user_id GROUP BY product ORDER BY product
"""
KEPT = """
    SELECT product, started, ended, completed, completed_seconds
    FROM session.session_total WHERE user_id = :user_id AND started > 0 ORDER BY product
"""


async def rows_of(engine: AsyncEngine, query: str, user_id: int) -> list[tuple[Any, ...]]:
    async with engine.connect() as connection:
        return [tuple(row) for row in await connection.execute(text(query), {"user_id": user_id})]


async def test_totals_are_what_counting_finds_whatever_happens_to_sessions(
    database: Database, user_id: int
) -> None:
    call = Call(user_id)

    async def agree() -> list[tuple[Any, ...]]:
        kept = await rows_of(database.engine, KEPT, user_id)
        assert kept == await rows_of(database.engine, COUNTED, user_id)
        return kept

    assert await agree() == []
    yoga = await asyncio.gather(*(database.started(user_id, "yoga") for _ in range(8)))
    assert await agree() == [("yoga", 8, 0, 0, 0)]
    await asyncio.gather(
        *(database.use.complete_session(call, ref, reported=0) for ref in yoga[:4]),
        *(database.use.abandon_session(call, ref) for ref in yoga[4:6]),
        *(database.started(user_id, "focus") for _ in range(1)),
    )
    assert [row[:4] for row in await agree()] == [("focus", 1, 0, 0), ("yoga", 8, 6, 4)]
    await database.use.set_note(call, yoga[0], "again")
    assert await database.readers.summary(user_id, "yoga") == Summary(8, 4, 0)
    assert await database.readers.summary(user_id, "design") == Summary(0, 0, 0)

    async with database.engine.begin() as connection:
        gone = [{"number": ref.id} for ref in yoga[:1]]
        for table in ("journal", "outbox"):
            column = "session_id" if table == "journal" else "aggregate_id"
            await connection.execute(text(f"DELETE FROM session.{table} WHERE {column} = :number"), gone)
        await connection.execute(text("DELETE FROM session.practice_session WHERE id = :number"), gone)
    assert [row[:4] for row in await agree()] == [("focus", 1, 0, 0), ("yoga", 7, 5, 3)]


async def test_a_start_that_fails_is_not_counted(database: Database, user_id: int) -> None:
    await database.started(user_id, "focus")
    with pytest.raises(Exception, match="open"):
        await database.started(user_id, "focus")
    assert await rows_of(database.engine, KEPT, user_id) == [("focus", 1, 0, 0, 0)]


MANY = """
    INSERT INTO session.practice_session (
        user_id, product, policy_version, mode, content, state, elapsed_seconds, implausible, started_at,
        ended_at, time_zone, rollover_hour, local_date, answer_count, correct_answer_count, draft_hash,
        message_count, content_title, content_type, settings, item_count, answered_item_count,
        mastered_item_count, right_run, note, message_bytes, synced, user_seq, version, updated_at
    )
    SELECT :user_id, 'yoga', 1, '', CASE WHEN n % 2 = 0 THEN 'sequences/1' ELSE '' END,
        CASE WHEN n % 10 = 0 THEN 'paused' ELSE 'completed' END, n, false, now() - n * interval '1 hour',
        CASE WHEN n % 10 = 0 THEN NULL ELSE now() END, 'UTC', 0, current_date, 0, 0, '', 0, '', '', '{}',
        0, 0, 0, 0, '', 0, false, n, 1, now()
    FROM generate_series(1, :count) AS n
"""


async def add_many(engine: AsyncEngine, user_id: int, count: int) -> None:
    async with engine.begin() as connection:
        await connection.execute(text(MANY), {"user_id": user_id, "count": count})


@pytest.fixture
def near(monkeypatch: pytest.MonkeyPatch) -> int:
    """How many sessions are skipped without asking for the total first; fewer than otherwise."""
    monkeypatch.setattr(readers, "NEAR", 10)
    return 10


@pytest.mark.parametrize(
    "narrowed",
    [
        {},
        {"states": ENDED},
        {"states": frozenset({State.PAUSED})},
        {"product": ""},
        {"content": "sequences/1", "states": ENDED},
        {"started_from": datetime.now(UTC) - timedelta(hours=40)},
    ],
)
async def test_each_page_is_the_same_from_whichever_end_it_is_reached(
    database: Database, user_id: int, near: int, narrowed: dict[str, Any]
) -> None:
    await add_many(database.engine, user_id, 60)
    await database.started(user_id, "focus")
    selection = replace(SessionSelection(user_id=user_id, product="yoga", limit=100), **narrowed)
    everything = [session.id for session in await database.readers.list(selection)]
    for limit in (1, 7):
        for offset in range(0, len(everything) + 2 * near, 3):
            found = await database.readers.history(replace(selection, limit=limit, offset=offset))
            assert [session.id for session in found.sessions] == everything[offset : offset + limit]
            assert found.total == len(everything)


async def test_histories_that_are_asked_for_alike_have_each_their_own_values(
    database: Database, new_user: Callable[[], int]
) -> None:
    now, one, other = datetime.now(UTC), new_user(), new_user()
    for learner, count in ((one, 8), (other, 5)):
        await add_many(database.engine, learner, count)

    async def total(learner: int, hours: float, **narrowed: Any) -> int:
        since = now - timedelta(hours=hours)
        selection = SessionSelection(user_id=learner, started_from=since, limit=100, **narrowed)
        found = await database.readers.history(selection)
        assert {session.user_id for session in found.sessions} <= {learner}
        assert len(found.sessions) == found.total
        return found.total

    assert [await total(one, hours) for hours in (3.5, 6.5, 100)] == [3, 6, 8]
    assert [await total(other, hours) for hours in (3.5, 100)] == [3, 5]
    assert [await total(one, 100, product=product) for product in ("yoga", "focus")] == [8, 0]
    assert [await total(one, 100, content=content) for content in ("sequences/1", "sequences/2")] == [4, 0]


OLD, MANY_MORE, PAGE = 5_000, 8_000, 10


@pytest.fixture
async def diligent(fresh_database_url: str) -> AsyncIterator[AsyncEngine]:
    """A database where learner 1 has most of the sessions of yoga, and others come before and after them."""
    engine = open_async_engine(fresh_database_url, pool_size=1, application="test")
    for learner, count in ((2, OLD), (1, MANY_MORE), (2, OLD)):
        await add_many(engine, learner, count)
    async with engine.begin() as connection:
        await connection.execute(text("ANALYZE session.practice_session"))
    yield engine
    await close_async_engine(engine)


async def test_pages_read_as_many_rows_as_they_are_from_their_end_and_none_of_others(
    diligent: AsyncEngine,
) -> None:
    alone = Database(diligent).readers
    mine = SessionSelection(user_id=1, product="yoga", limit=PAGE)

    async def read_by(read: Callable[[], Awaitable[object]]) -> int:
        statements = await statements_of(diligent, read)
        async with diligent.connect() as connection:
            return sum([await rows_read_by(connection, statement) for statement in statements])

    for narrowed in (mine, replace(mine, states=ENDED), replace(mine, product="")):
        total = (await alone.history(narrowed)).total
        for offset, skipped in ((0, 0), (500, 500), (total - 500, 490), (total - PAGE, 0), (total - 3, 0)):
            page = replace(narrowed, offset=offset)
            assert len((await alone.history(page)).sessions) == min(PAGE, total - offset)
            read = await read_by(lambda page=page: alone.history(page))  # type: ignore[misc]
            # A tenth is open, and looked up to be left out; then each session of the page has its policy.
            still_open = MANY_MORE // 10 if offset > readers.NEAR and narrowed.states else 0
            assert read <= 1.3 * skipped + 5 * PAGE + still_open, (narrowed, offset)

    async def export() -> None:
        async for _ in alone.ended(1, 0):
            break

    whole, after = replace(mine, product=""), OLD + PAGE + 1
    for listed in (mine, whole, replace(mine, before_id=after), replace(whole, before_id=after)):
        assert await read_by(lambda listed=listed: alone.list(listed)) <= 3 * PAGE, listed  # type: ignore[misc]
    assert await read_by(export) <= 3 * readers.EXPORT_CHUNK


@pytest.fixture
async def single(database_url: str) -> AsyncIterator[AsyncEngine]:
    engine = open_async_engine(database_url, pool_size=1, application="test")
    yield engine
    await close_async_engine(engine)


async def test_reads_take_one_round_trip(database: Database, user_id: int, single: AsyncEngine) -> None:
    ref = await database.started(user_id, "yoga")
    alone = Database(single).readers
    mine = SessionSelection(user_id=user_id, product="yoga")
    reads: dict[str, Callable[[], Awaitable[object]]] = {
        "session": lambda: alone.get(user_id, ref),
        "open session": lambda: alone.active(user_id, "yoga", ""),
        "list": lambda: alone.list(mine),
        "history": lambda: alone.history(replace(mine, states=ENDED)),
        "summary": lambda: alone.summary(user_id, "yoga"),
        "mark": lambda: alone.learner_mark(user_id),
        "items": lambda: alone.items(user_id, ref.id),
        "draft": lambda: alone.draft(user_id, ref.id),
        "conversation": lambda: alone.messages(user_id, ref.id, 0, 10),
        "journal": lambda: alone.journal(user_id, ref.id, 0),
        "versions": lambda: alone.versions([ref.id]),
    }
    assert Counter(
        {name: len(await round_trips_of(single, read)) for name, read in reads.items()}
    ) == Counter(dict.fromkeys(reads, 1))
