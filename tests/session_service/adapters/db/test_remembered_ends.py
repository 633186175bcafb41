"""Ends of sessions that are not read: what others did meanwhile is seen all the same."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from service_kit.call import Call, RequestIdentity
from session_service.adapters.db import tables
from session_service.adapters.db.changes import read_statement
from session_service.adapters.db.combined import CombinedStatements, Rows
from session_service.adapters.events import encode
from session_service.application.complete_session import Ended
from session_service.application.ports.sessions import SessionRef
from session_service.domain.answers import SubmittedAnswer
from session_service.domain.errors import EtagMismatchError, SessionEndedError
from session_service.domain.events import ENDED, SessionEnded
from session_service.domain.practice_session import PracticeSession
from session_service.domain.states import State
from tests.session_service.adapters.db.lots import note_written
from tests.session_service.database import Database

OF_ENDS = [read_statement(keyed=keyed, summed=summed) for keyed in (False, True) for summed in (False, True)]
ANSWER = [SubmittedAnswer("exercises/1", "hable")]


@pytest.fixture
def selected(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many sessions were read for their ends, time by time."""
    counted: list[int] = []
    read = CombinedStatements.read

    async def count(statements: CombinedStatements, statement: str, columns: Rows) -> Rows:
        if statement in OF_ENDS:
            counted.append(len(columns[0]))
        return await read(statements, statement, columns)

    monkeypatch.setattr(CombinedStatements, "read", count)
    return counted


@pytest.fixture
def committed(database: Database, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    return note_written(database.changes, monkeypatch)


async def begin(database: Database, user_id: int) -> PracticeSession:
    """A session that is remembered from its start: a learner's first in a product is not."""
    await database.use.remember_calendar(user_id, "Asia/Tokyo", None)
    for _ in range(2):
        started = await database.use.start_session(Call(user_id), product="exercises")
    return started.session


async def complete(database: Database, session: PracticeSession, key: str = "", etag: str = "") -> Ended:
    request = RequestIdentity(key, "/x/Y", b"".ljust(32)) if key else None
    call = Call(session.user_id, request=request)
    return await database.use.complete_session(call, SessionRef(session.id), etag=etag)


async def check_ended(database: Database, ended: PracticeSession) -> None:
    assert await database.readers.get(ended.user_id, SessionRef(ended.id)) == ended
    payload = encode(SessionEnded.of(ended))
    assert await database.column("outbox", "payload", aggregate_id=ended.id, kind=ENDED) == [payload]
    entries = await database.readers.journal(ended.user_id, ended.id, 0)
    assert [entry.sequence for entry in entries] == list(range(2, ended.version + 1))
    assert (entries[-1].change.value, entries[-1].answer_count) == ("ended", ended.answer_count)


async def test_a_session_that_this_process_wrote_last_is_not_read(
    database: Database, user_id: int, selected: list[int], committed: list[int]
) -> None:
    for number in range(3):
        session = await begin(database, user_id)
        for _ in range(number):
            await database.use.submit_answers(Call(user_id), SessionRef(session.id), ANSWER)
        ended = (await complete(database, session, key=f"k{number}")).session
        assert (ended.answer_count, ended.time_zone) == (number, "Asia/Tokyo")
        await check_ended(database, ended)
    assert selected == []
    assert len(committed) == 3


async def test_what_others_did_to_the_session_is_seen(
    database: Database, other: Database, user_id: int, selected: list[int], committed: list[int]
) -> None:
    answered, paused, over = [await begin(database, user_id) for _ in range(3)]
    await other.use.submit_answers(Call(user_id), SessionRef(answered.id), ANSWER)
    await other.use.pause_session(Call(user_id), SessionRef(paused.id))
    await other.use.abandon_session(Call(user_id), SessionRef(over.id))
    selected.clear()
    assert (await complete(database, answered)).session.answer_count == 1
    resting = (await complete(database, paused)).session
    assert resting.version == 3
    for each in (answered, paused):
        stored = await database.readers.get(user_id, SessionRef(each.id))
        assert stored.state is State.COMPLETED
        await check_ended(database, stored)
    with pytest.raises(SessionEndedError):
        await complete(database, over)
    assert selected == [1, 1, 1]
    assert committed == [answered.id, paused.id]


async def test_what_others_did_to_the_learner_is_seen(
    database: Database, other: Database, user_id: int, committed: list[int]
) -> None:
    one, two, three = [await begin(database, user_id) for _ in range(3)]
    before = (await complete(database, one)).session.user_seq
    elsewhere = await other.use.start_session(Call(user_id), product="exercises")
    assert (await complete(other, elsewhere.session)).session.user_seq == before + 1
    second = (await complete(database, two)).session
    assert second.user_seq == before + 2
    await other.use.remember_calendar(user_id, "Europe/Oslo", None)
    third = (await complete(database, three)).session
    assert (third.user_seq, third.time_zone) == (before + 4, "Europe/Oslo")
    for each in (second, third):
        await check_ended(database, each)
    assert committed == [one.id, two.id, three.id]


async def test_a_key_that_was_used_elsewhere_gets_its_first_outcome(
    database: Database, other: Database, user_id: int
) -> None:
    session = await begin(database, user_id)
    first = await complete(other, session, key="k")
    assert (await complete(database, session, key="k")).session == first.session
    assert await database.count("outbox", aggregate_id=session.id, kind=ENDED) == 1


async def test_a_version_is_known_by_its_instant_too(database: Database, user_id: int) -> None:
    """A database that was put back to an earlier moment gives its number anew."""
    session = await begin(database, user_id)
    table = tables.practice_session
    async with database.engine.begin() as connection:
        anew = {"answer_count": 7, "updated_at": session.updated_at + timedelta(seconds=1)}
        await connection.execute(update(table).where(table.c.id == session.id).values(anew))
    assert (await complete(database, session)).session.answer_count == 7


async def test_a_refusal_is_judged_by_what_is_stored(
    database: Database, other: Database, user_id: int, selected: list[int]
) -> None:
    session = await begin(database, user_id)
    with pytest.raises(EtagMismatchError):
        await complete(database, session, etag='"2"')
    await other.use.submit_answers(Call(user_id), SessionRef(session.id), ANSWER)
    ended = (await complete(database, session, etag='"2"')).session
    await check_ended(database, ended)
    assert selected == [1, 1]


async def test_ends_of_one_learner_at_once_are_numbered_in_their_order(
    database: Database, other: Database, user_id: int
) -> None:
    sessions = [await begin(each, user_id) for each in (database, other) for _ in range(4)]
    ended = await asyncio.gather(
        *(complete(database if at < 4 else other, each) for at, each in enumerate(sessions))
    )
    numbers = sorted(each.session.user_seq for each in ended)
    assert numbers == list(range(numbers[0], numbers[0] + 8))
    for each in ended:
        await check_ended(database, each.session)


async def test_what_nobody_knows_the_fate_of_is_read_the_next_time(
    database: Database, user_id: int, selected: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = [await begin(database, user_id) for _ in range(2)]
    write = CombinedStatements.write

    async def write_and_lose(self: Any, statement: str, columns: Any) -> Any:
        await write(self, statement, columns)
        raise ConnectionError("lost while many wrote")

    with monkeypatch.context() as patch:
        patch.setattr(CombinedStatements, "write", write_and_lose)
        with pytest.raises(ConnectionError):
            await complete(database, one)
    ended = (await complete(database, two)).session
    assert selected == [1]
    await check_ended(database, ended)
    with pytest.raises(SessionEndedError):
        await complete(database, one)
