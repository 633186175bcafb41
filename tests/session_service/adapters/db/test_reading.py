"""How sessions are found again."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import event, text
from sqlalchemy.dialects import postgresql

from service_kit.call import Call
from service_kit.db.engines import open_async_engine
from session_service.adapters.events import encode
from session_service.application.ports.readers import SessionSelection
from session_service.application.ports.sessions import SessionRef
from session_service.domain.errors import SessionNotFoundError
from session_service.domain.states import State
from tests.session_service.database import Database


async def test_pages_stay_as_they_are_while_sessions_are_added(database: Database, user_id: int) -> None:
    there = [(await database.started(user_id)).id for _ in range(7)]
    selection = SessionSelection(user_id=user_id, product="exercises", limit=3)
    seen: list[int] = []
    while page := await database.readers.list(selection):
        seen += [session.id for session in page]
        selection = replace(selection, before_id=page[-1].id)
        await database.started(user_id)

    assert seen == there[::-1]


async def test_a_list_is_narrowed_by_each_field(database: Database, user_id: int) -> None:
    yoga = [await database.started(user_id, "yoga") for _ in range(3)]
    design = await database.use.start_session(Call(user_id), product="design", content="problems/1")
    await database.use.complete_session(Call(user_id), yoga[0], outcome=State.PARTIAL)
    middle = await database.use.get_session(Call(user_id), yoga[1])

    async def listed(**fields: Any) -> list[int]:
        found = await database.readers.list(SessionSelection(user_id=user_id, **fields))
        return [session.id for session in found]

    numbers = [ref.id for ref in yoga]
    assert await listed() == [design.session.id, *numbers[::-1]]
    assert await listed(product="design") == [design.session.id]
    assert await listed(content="problems/1") == [design.session.id]
    assert await listed(content="problems/2") == []
    assert await listed(states=frozenset({State.PARTIAL, State.PAUSED})) == [numbers[0]]
    assert await listed(product="yoga", started_from=middle.started_at) == [numbers[2], numbers[1]]
    assert await listed(started_before=middle.started_at) == [numbers[0]]
    assert await listed(before_id=numbers[1]) == [numbers[0]]


async def test_the_open_session_is_the_newest_that_has_not_ended(database: Database, user_id: int) -> None:
    assert await database.readers.active(user_id, "yoga", "") is None
    old, new = await database.started(user_id, "yoga"), await database.started(user_id, "yoga")
    await database.started(user_id, "exercises")

    await database.use.pause_session(Call(user_id), new)
    newest = await database.readers.active(user_id, "yoga", "")
    assert newest is not None
    assert newest.id == new.id

    await database.use.abandon_session(Call(user_id), new)
    remaining = await database.readers.active(user_id, "yoga", "")
    assert remaining is not None
    assert remaining.id == old.id


async def test_a_stranger_is_told_apart_from_an_unknown_number_and_another_product_is_neither(
    database: Database, new_user: Callable[[], int]
) -> None:
    owner, stranger = new_user(), new_user()
    ref = await database.started(owner, "yoga")

    async def missing(user_id: int, ref: SessionRef) -> SessionNotFoundError:
        with pytest.raises(SessionNotFoundError) as reading:
            await database.readers.get(user_id, ref)
        async with database.unit_of_work() as work:
            with pytest.raises(SessionNotFoundError) as locking:
                await work.sessions.lock(user_id, ref)
        assert reading.value.foreign == locking.value.foreign
        assert reading.value.message == locking.value.message
        return reading.value

    assert (await missing(stranger, ref)).foreign
    assert not (await missing(stranger, SessionRef(2**62))).foreign
    assert not (await missing(owner, SessionRef(ref.id, "focus"))).foreign
    assert not (await missing(stranger, SessionRef(ref.id, "focus"))).foreign
    assert (await missing(stranger, SessionRef(ref.id, "yoga"))).foreign


async def test_the_facts_told_again_are_the_bytes_that_left(database: Database, user_id: int) -> None:
    for _ in range(3):
        ref = await database.started(user_id, "focus")
        await database.use.complete_session(Call(user_id), ref, reported=80_000)
    await database.started(user_id, "focus")

    again = [encode(event) async for event in database.use.export_completions(user_id=user_id)]

    assert again == [event.payload for event in database.told.published]
    rest = database.use.export_completions(user_id=user_id, after_session_id=ref.id - 1)
    assert [encode(event) async for event in rest] == again[-1:]


class Explained(Database):
    """Explains the statements of reads instead of believing them."""

    async def plan(self, statement: Any) -> str:
        compiled = statement.compile(
            dialect=postgresql.dialect(), compile_kwargs={"literal_binds": True, "render_postcompile": True}
        )
        async with self.engine.connect() as connection:
            rows = await connection.execute(text(f"EXPLAIN (COSTS OFF) {compiled}".replace(":", "\\:")))
            return "\n".join(row[0] for row in rows)


@pytest.fixture
async def crowded(fresh_database_url: str) -> AsyncIterator[Explained]:
    """A database with 60,000 sessions of 300 users, a tenth of them open."""
    engine = open_async_engine(fresh_database_url, pool_size=2, application="test")
    async with engine.begin() as connection:
        await connection.execute(
            text(
                """
                INSERT INTO session.practice_session
                    (user_id, product, mode, content, state, elapsed_seconds, implausible, started_at,
                     ended_at, time_zone, rollover_hour, local_date, answer_count, correct_answer_count,
                     draft_hash, message_count, user_seq, version, updated_at,
                     content_title, content_type, settings, item_count, answered_item_count,
                     mastered_item_count, right_run, note, message_bytes, synced, policy_version)
                SELECT n % 300 + 1, (ARRAY['exercises','yoga','portal'])[n % 3 + 1], '', '',
                       CASE WHEN n % 10 = 0 THEN 'active' ELSE 'completed' END, 60, false, now(),
                       CASE WHEN n % 10 = 0 THEN NULL ELSE now() END, 'UTC', 0, NULL, 0, 0,
                       '', 0, 0, 1, now(), '', '', '{}', 0, 0, 0, 0, '', 0, false, 1
                FROM generate_series(1, 60000) AS n
                """
            )
        )
        await connection.execute(text("ANALYZE session.practice_session"))
    yield Explained(engine)
    await engine.dispose()


async def test_no_read_of_a_users_sessions_walks_through_everybodys(crowded: Explained) -> None:
    statements: list[Any] = []

    @event.listens_for(crowded.engine.sync_engine, "before_execute")
    def remember(_connection: Any, statement: Any, *_rest: Any) -> None:
        if hasattr(statement, "compile") and "EXPLAIN" not in str(statement):
            statements.append(statement)

    user = 7
    await crowded.readers.list(SessionSelection(user_id=user, limit=21))
    await crowded.readers.list(SessionSelection(user_id=user, before_id=30_000, limit=21))
    await crowded.readers.list(SessionSelection(user_id=user, product="yoga", limit=21))
    await crowded.readers.list(SessionSelection(user_id=user, product="yoga", before_id=30_000, limit=21))
    await crowded.readers.list(
        SessionSelection(user_id=user, product="yoga", states=frozenset({State.PARTIAL}))
    )
    await crowded.readers.active(user, "focus", "")
    await crowded.readers.active(user, "yoga", "sequences/1")
    async for _ in crowded.readers.ended(0, 59_000):
        break
    reads = list(statements)
    assert len(reads) == 8

    for statement in reads:
        plan = await crowded.plan(statement)
        assert "Seq Scan" not in plan, plan
        # Nor down the numbers of everybody's sessions, leaving out the others'.
        assert "Filter: (user_id" not in plan, plan
    assert "practice_session_open" in await crowded.plan(reads[5])
