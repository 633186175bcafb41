"""What the database keeps of sessions that were practised offline, and what it decides."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from practice.events.v1.session_ended_pb2 import SessionEnded
from sqlalchemy import event

from service_kit.call import Call
from service_kit.db.engines import close_async_engine, open_async_engine
from session_service.application.ports.readers import SessionSelection
from session_service.application.ports.sessions import SessionRef
from session_service.domain.days import Calendar
from session_service.domain.learner import CalendarChange
from session_service.domain.states import State
from session_service.offline.domain import OfflineItem, RefusedAnswer, SyncOutcome
from session_service.offline.use_cases import Synced
from tests.session_service.database import Database
from tests.session_service.offline import items as offline

MIGRATIONS = "session_service.adapters.db.migrations.versions"
MERGED, KNOWN, REFUSED, CONFLICT = SyncOutcome


@pytest.fixture
def ended() -> datetime:
    """An instant of yesterday."""
    return datetime.now(UTC).replace(microsecond=0) - timedelta(days=1)


def outcomes(synced: Synced) -> list[SyncOutcome]:
    return [result.outcome for result in synced.results]


@contextmanager
def statements(database: Database) -> Iterator[list[str]]:
    """Takes down what is executed meanwhile."""
    executed: list[str] = []

    def note(*told: object) -> None:
        executed.append(str(told[2]))

    event.listen(database.engine.sync_engine, "before_cursor_execute", note)
    yield executed
    event.remove(database.engine.sync_engine, "before_cursor_execute", note)


async def test_a_session_is_stored_with_its_answers_items_and_event(
    database: Database, user_id: int, ended: datetime
) -> None:
    answers = (
        offline.answer(ended - timedelta(seconds=9), "words/2", time_taken=1.5),
        offline.answer(ended, "words/1", "no"),
        RefusedAnswer("unreadable", "FIELD_INVALID"),
    )
    told = offline.session(ended, "portal", answers=answers, note="On the train")
    (result,) = (await database.sync_sessions(Call(user_id), [told])).results

    ref = SessionRef(result.session_id)
    session, report = await database.readers.report(user_id, ref)
    assert (session.state, session.note, session.started_at) == (
        State.COMPLETED,
        "On the train",
        told.started_at,
    )
    assert [(item.item, item.prompt) for item in report.items] == [
        ("words/2", "word 2"),
        ("words/1", "word 1"),
    ]
    assert report.average_time_taken == 1.5
    assert await database.column("answer", "answered_at", session_id=ref.id) == [
        ended - timedelta(seconds=9),
        ended,
    ]
    assert await database.count("journal", session_id=ref.id) == 0
    assert await database.column("outbox", "user_seq", user_id=user_id) == [1]
    assert len(database.told.published) == 1
    (payload,) = await database.column("outbox", "payload", user_id=user_id)
    assert SessionEnded.FromString(payload).synced
    (again,) = (await database.sync_sessions(Call(user_id), [told])).results
    assert (again.outcome, again.session_id) == (KNOWN, ref.id)
    assert again.refused_answers == (RefusedAnswer("unreadable", "FIELD_INVALID"),)


async def test_sessions_that_devices_made_are_marked(
    database: Database, user_id: int, ended: datetime
) -> None:
    live = await database.started(user_id)
    told = offline.session(ended, answers=(offline.answer(ended),))
    noted = offline.session(ended)
    kept = offline.answer(ended, session_id=live.id)
    results = (await database.sync_sessions(Call(user_id), [told, noted, kept])).results
    await database.use.set_note(Call(user_id), SessionRef(results[1].session_id), "Late")
    await database.use.complete_session(Call(user_id), live)
    assert await database.column("practice_session", "synced", user_id=user_id) == [False, True, True]


async def test_two_devices_that_send_the_same_at_once_leave_one_of_each(
    database: Database, user_id: int, ended: datetime
) -> None:
    live = await database.started(user_id)
    items: list[OfflineItem] = [
        offline.session(ended + timedelta(seconds=number), answers=(offline.answer(ended),))
        for number in range(60)
    ]
    items += [offline.answer(ended, session_id=live.id) for _ in range(20)]
    async with database.unit_of_work() as holder:
        await holder.learners.lock(user_id)
        devices = [
            asyncio.create_task(database.sync_sessions(Call(user_id), order))
            for order in (items, items[::-1])
        ]
        await database.until_waiting(2)
        await holder.commit()
    told = [outcome for device in devices for outcome in outcomes(await device)]

    assert Counter(told) == {MERGED: 80, KNOWN: 80}
    assert await database.count("practice_session", user_id=user_id) == 61
    assert await database.count("synced_item", user_id=user_id) == 80
    assert await database.column("outbox", "user_seq", user_id=user_id) == list(range(1, 61))
    assert (await database.readers.get(user_id, live)).answer_count == 20


async def test_devices_that_say_different_things_under_one_id_leave_what_came_first(
    database: Database, user_id: int, ended: datetime
) -> None:
    told = offline.session(ended)
    both = await asyncio.gather(
        database.sync_sessions(Call(user_id), [told]),
        database.sync_sessions(Call(user_id), [replace(told, note="Another")]),
    )
    assert Counter(outcome for synced in both for outcome in outcomes(synced)) == {MERGED: 1, CONFLICT: 1}
    assert await database.count("practice_session", user_id=user_id) == 1


async def test_a_session_is_on_the_same_day_whether_it_arrives_before_or_after_the_hour_changed(
    database: Database, user_id: int
) -> None:
    at_three = datetime.now(UTC).replace(hour=3, minute=0, second=0, microsecond=0) - timedelta(days=2)
    change = CalendarChange(
        user_id=user_id,
        user_seq=1,
        effective_at=at_three - timedelta(days=1),
        calendar=Calendar("Asia/Tokyo", 4),
    )
    async with database.unit_of_work() as work:
        await work.learners.lock(user_id)
        await work.learners.put_in_force(change)
        await work.commit()
    before, after = (offline.session(at_three, time_zone="UTC") for _ in range(2))
    await database.sync_sessions(Call(user_id), [before])
    for moved in ({"time_zone": "Asia/Seoul"}, {"rollover_hour": 0}, {"time_zone": "UTC"}):
        await database.use.update_calendar(Call(user_id), **moved)
    await database.sync_sessions(Call(user_id), [after])

    day = at_three.date() - timedelta(days=1)
    assert await database.column("practice_session", "local_date", user_id=user_id) == [day, day]
    async with database.unit_of_work() as work:
        turns = await work.learners.rollover_turns(user_id)
    assert [turn.rollover_hour for turn in turns] == [4, 0]
    assert turns[0].effective_at == change.effective_at


async def test_ends_online_and_merges_at_once_share_one_sequence_without_gaps(
    database: Database, user_id: int, ended: datetime
) -> None:
    open_ones = [await database.started(user_id) for _ in range(10)]
    items: list[OfflineItem] = [offline.answer(ended, session_id=ref.id) for ref in open_ones]
    items += [offline.session(ended) for _ in range(40)]
    await asyncio.gather(
        database.sync_sessions(Call(user_id), items),
        *(database.use.complete_session(Call(user_id), ref) for ref in open_ones),
    )
    assert await database.column("outbox", "user_seq", user_id=user_id) == list(range(1, 51))


async def test_the_number_of_statements_does_not_grow_with_the_items_of_a_commit(
    database: Database, user_id: int, ended: datetime
) -> None:
    counts = []
    for many in (2, 200):
        items = [
            offline.session(ended, answers=tuple(offline.answer(ended) for _ in range(5)))
            for _ in range(many)
        ]
        with statements(database) as executed:
            assert outcomes(await database.sync_sessions(Call(user_id), items)) == [MERGED] * many
        counts.append(len(executed))
    assert counts[0] == counts[1] < 15


async def test_what_was_merged_is_listed_like_any_other_session(
    database: Database, user_id: int, ended: datetime
) -> None:
    online = await database.started(user_id)
    await database.use.complete_session(Call(user_id), online)
    items = [offline.session(ended, product) for product in ("exercises", "focus", "yoga", "design")]
    synced = await database.sync_sessions(Call(user_id), items)

    listed = await database.readers.list(SessionSelection(user_id=user_id))
    assert [session.id for session in listed] == [
        *(result.session_id for result in reversed(synced.results)),
        online.id,
    ]
    yesterdays = SessionSelection(user_id=user_id, started_before=ended, product="focus")
    assert (await database.readers.history(yesterdays)).total == 1
    assert (await database.readers.summary(user_id, "focus")).completed_seconds == 600


async def test_an_item_costs_the_same_however_many_sessions_its_learner_has(
    fresh_database_url: str, ended: datetime
) -> None:
    engine = open_async_engine(fresh_database_url, pool_size=1, application="test")
    database = Database(engine)
    # On tables that were never analysed plans are made while they are empty, and kept.
    for _ in range(3):
        items = [offline.session(ended - timedelta(minutes=n)) for n in range(500)]
        assert outcomes(await database.sync_sessions(Call(7), items)) == [MERGED] * 500
    async with engine.connect() as connection:
        await connection.exec_driver_sql("SELECT pg_stat_force_next_flush()")
        await connection.rollback()
        read = await connection.exec_driver_sql(
            "SELECT sum(idx_tup_read) FROM pg_stat_user_indexes"
            " WHERE relname IN ('practice_session', 'synced_item')"
        )
        rows = int(read.scalar_one())
    await close_async_engine(engine)
    assert 1_500 <= rows < 3 * 1_500, "a look for the session of each, by a key"
