"""What a command leaves behind when it commits, and when it does not."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, update

from service_kit.call import Call
from service_kit.db.engines import open_async_engine
from service_kit.db.idempotency import IdempotencyHousekeeping
from service_kit.once import once
from session_service.adapters.db import tables
from session_service.adapters.db.changes import SqlChangeStore
from session_service.adapters.db.unit_of_work import SqlUnitOfWork
from session_service.adapters.events import encode
from session_service.application.account_limits import AccountLimits
from session_service.application.complete_session import CompleteSession
from session_service.application.ports.outbox import Outgoing
from session_service.application.ports.unit_of_work import UnitOfWork
from session_service.application.session_changes import SessionChanges
from session_service.domain.answers import SubmittedAnswer
from session_service.domain.errors import EtagMismatchError, SessionAlreadyOpenError, SessionEndedError
from session_service.domain.events import ENDED, Event, SessionEnded
from session_service.domain.practice_session import PracticeSession
from session_service.domain.states import Change, State
from tests.session_service.database import Database, NoRates, PunctualStatistics, Told
from tests.waiting import PATIENCE_SECONDS

KeyedCall = Callable[..., Call]


async def test_a_commit_holds_the_key_the_end_its_number_and_its_event(
    database: Database, user_id: int, keyed: KeyedCall
) -> None:
    ref = await database.started(user_id)

    ended = await database.use.complete_session(keyed("end"), ref)

    assert await database.column("idempotency", "key", user_id=user_id) == ["end"]
    assert await database.column("learner", "last_seq", user_id=user_id) == [1]
    event = SessionEnded.of(ended.session)
    payload = encode(event)
    assert await database.column("outbox", "payload", user_id=user_id) == [payload]
    assert await database.column("outbox", "aggregate_id", user_id=user_id) == [ref.id]
    assert database.told.published == [Outgoing(event.event_id, ENDED, payload, "", user_id, 1)]
    assert database.told.session_ids == [ref.id]


async def test_a_fault_after_every_write_leaves_no_trace(
    database: Database, user_id: int, keyed: KeyedCall
) -> None:
    ref = await database.started(user_id, "focus")

    def broken(event: Event) -> bytes:
        raise ZeroDivisionError

    told = Told()
    events = (broken, told, timedelta(seconds=5))
    changes = SessionChanges(
        lambda: SqlUnitOfWork(database.engine, *events),
        SqlChangeStore(database.connections, *events, database.recent),
        lambda: datetime.now(UTC),
    )
    complete = CompleteSession(changes, PunctualStatistics(), AccountLimits(NoRates(), database.readers))
    with pytest.raises(ZeroDivisionError):
        await complete(keyed("end"), ref, reported=10)

    assert await database.count("idempotency", user_id=user_id) == 0
    assert await database.count("outbox", user_id=user_id) == 0
    assert await database.count("learner", user_id=user_id) == 0
    assert await database.count("journal", session_id=ref.id) == 0
    assert (await database.use.get_session(Call(user_id), ref)).state is State.ACTIVE
    assert (told.published, told.session_ids) == ([], [])
    # The same request succeeds once the fault is gone, as the first of its key.
    assert (await database.use.complete_session(keyed("end"), ref, reported=10)).session.user_seq == 1


async def test_a_refusal_leaves_no_key_and_no_number(
    database: Database, user_id: int, keyed: KeyedCall
) -> None:
    ref = await database.started(user_id)
    await database.use.abandon_session(keyed("first"), ref)

    with pytest.raises(SessionEndedError):
        await database.use.complete_session(keyed("second"), ref)
    with pytest.raises(EtagMismatchError):
        await database.use.pause_session(keyed("third"), ref, etag='"77"')

    assert await database.column("idempotency", "key", user_id=user_id) == ["first"]
    assert await database.column("learner", "last_seq", user_id=user_id) == [1]
    assert await database.column("outbox", "user_seq", user_id=user_id) == [1]


async def test_a_cancelled_command_leaves_no_trace_and_gives_its_connection_back(
    database_url: str, database: Database, user_id: int, keyed: KeyedCall
) -> None:
    ref = await database.started(user_id)
    engine = open_async_engine(database_url, pool_size=2, application="test")
    narrow = Database(engine)
    for number in range(6):
        async with database.unit_of_work() as holder:
            await holder.sessions.lock(user_id, ref)
            waiting = asyncio.create_task(narrow.use.complete_session(keyed(f"end-{number}"), ref))
            await database.until_waiting(1)
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting

    async with asyncio.timeout(PATIENCE_SECONDS):
        await asyncio.gather(*(narrow.use.get_session(Call(user_id), ref) for _ in range(10)))
    await narrow.connections.close()
    await engine.dispose()
    assert await database.count("idempotency", user_id=user_id) == 0
    assert await database.count("outbox", user_id=user_id) == 0


@pytest.mark.parametrize("outcome", [State.COMPLETED, State.ABANDONED])
async def test_an_end_frees_the_place_for_the_next_session(
    database: Database, user_id: int, outcome: State
) -> None:
    ref = await database.started(user_id, "focus")
    with pytest.raises(SessionAlreadyOpenError):
        await database.started(user_id, "focus")
    await database.use.pause_session(Call(user_id), ref, reported=0)
    with pytest.raises(SessionAlreadyOpenError):
        await database.started(user_id, "focus")

    await database.use.complete_session(Call(user_id), ref, outcome=outcome, reported=5)

    assert await database.started(user_id, "focus") != ref


async def test_the_end_of_a_session_does_not_free_another_users_place(
    database: Database, new_user: Callable[[], int]
) -> None:
    one, other = new_user(), new_user()
    ref = await database.started(one, "focus")
    await database.started(other, "focus")
    await database.use.complete_session(Call(one), ref, reported=5)

    with pytest.raises(SessionAlreadyOpenError):
        await database.started(other, "focus")


async def test_a_save_of_a_version_that_is_not_the_next_writes_nothing(
    database: Database, user_id: int
) -> None:
    ref = await database.started(user_id)
    stale = await database.use.get_session(Call(user_id), ref)
    await database.use.pause_session(Call(user_id), ref)

    async with database.unit_of_work() as work:
        with pytest.raises(EtagMismatchError):
            later = stale.record_answer(correct=True, before=None, now=stale.started_at)
            await work.sessions.save(Change.ANSWERED, later)

    assert (await database.use.get_session(Call(user_id), ref)).answer_count == 0


async def test_a_replay_is_the_first_outcome_though_the_session_went_on(
    database: Database, user_id: int, keyed: KeyedCall
) -> None:
    ref = await database.started(user_id)
    answers = [SubmittedAnswer("exercises/1", "hable", time_taken=2.5), SubmittedAnswer("words/1", "x")]
    first = await database.use.submit_answers(keyed("answers"), ref, answers)
    paused = await database.use.pause_session(keyed("pause"), ref)
    message = await database.use.add_message(keyed("message"), ref, role="user", content="¿qué?")
    await database.use.complete_session(Call(user_id), ref)

    assert await database.use.submit_answers(keyed("answers"), ref, answers) == first
    assert await database.use.pause_session(keyed("pause"), ref) == paused
    assert await database.use.add_message(keyed("message"), ref, role="user", content="¿qué?") == message
    assert await database.count("answer", session_id=ref.id) == 1
    assert await database.count("message", session_id=ref.id) == 1


async def test_a_key_is_kept_for_72_hours_and_then_forgotten(
    database: Database, user_id: int, keyed: KeyedCall
) -> None:
    for key, hours in (("old", 73), ("young", 71)):
        await database.use.start_session(keyed(key), product="yoga")
        table = tables.idempotency
        async with database.engine.begin() as connection:
            await connection.execute(
                update(table)
                .where(table.c.user_id == user_id, table.c.key == key)
                .values(created_at=func.now() - timedelta(hours=hours))
            )

    await IdempotencyHousekeeping(database.engine, tables.idempotency)()

    assert await database.column("idempotency", "key", user_id=user_id) == ["young"]


async def test_nothing_is_stored_by_a_unit_of_work_that_is_left_without_a_commit(
    database: Database, user_id: int
) -> None:
    async def forgetful(work: UnitOfWork) -> PracticeSession:
        session = await work.sessions.lock(user_id, ref)
        paused = session.pause(now=session.started_at)
        await work.sessions.save(Change.PAUSED, paused)
        raise KeyError("before the commit")

    ref = await database.started(user_id)
    with pytest.raises(KeyError):
        await once(database.unit_of_work, Call(user_id), PracticeSession, forgetful)

    assert (await database.use.get_session(Call(user_id), ref)).version == 1
