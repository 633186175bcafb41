"""What happened is told from the rows that it happened to, whatever became of the outbox."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from service_kit.call import Call
from service_kit.db.engines import open_async_engine
from service_kit.errors import AccountErasedError
from session_service.adapters.db.personal_data import open_personal_data
from session_service.adapters.events import encode
from session_service.domain.events import Event
from session_service.outbox.ports import DigestSelection, EventDigest
from session_service.outbox.record_sql import SqlEventRecord
from session_service.outbox.sql import SqlOutboxQueue
from session_service.outbox.use_cases import RepublishEvents
from tests.session_service.database import Database

AT_ONCE = timedelta(0)
ALL = "SELECT event_id, user_id, user_seq, aggregate_id, kind, payload FROM session.outbox ORDER BY 2, 3"


@pytest.fixture
async def database(fresh_database_url: str) -> AsyncIterator[Database]:
    """A database of its own: person 1 moved and ended two sessions, person 2 one; all has arrived."""
    engine = open_async_engine(fresh_database_url, pool_size=5, application="test")
    database = Database(engine)
    now = datetime.now(UTC)
    await database.use.remember_calendar(1, time_zone="Asia/Tokyo", signed_up_at=now)
    for user_id in (1, 1, 2):
        await database.use.abandon_session(Call(user_id), await database.started(user_id))
    await database.started(1)
    await execute(database, "UPDATE session.outbox SET acked_at = now()")
    yield database
    await database.connections.close()
    await engine.dispose()


@pytest.fixture
def record(database: Database) -> SqlEventRecord:
    return SqlEventRecord(database.engine, encode)


async def execute(database: Database, statement: str, **values: Any) -> list[Any]:
    async with database.engine.begin() as connection:
        done = await connection.execute(text(statement), values)
        return list(done.all()) if done.returns_rows else []


def selection(**changes: Any) -> DigestSelection:
    return DigestSelection(**{"after_user_id": 0, "limit": 5_000, "settle": AT_ONCE, **changes})


async def digest_of(record: SqlEventRecord, user_id: int, **changes: Any) -> EventDigest:
    (found,) = await record.digests(selection(user_ids=(user_id,), **changes))
    return found


async def test_everybody_with_events_has_a_count_and_a_digest_of_them(record: SqlEventRecord) -> None:
    first, second = await record.digests(selection())
    assert (first.user_id, first.last_seq, first.settled_through, first.count) == (1, 3, 3, 3)
    assert (second.user_id, second.last_seq, second.settled_through, second.count) == (2, 1, 1, 1)
    listed = await record.list_events(1, 0, 100)
    assert [event.user_seq for event in listed] == [1, 2, 3]
    assert first.digest == listed[0].digest ^ listed[1].digest ^ listed[2].digest
    assert len({first.digest, second.digest, *(event.digest for event in listed)}) == 5


async def test_ids_are_those_of_the_events_as_they_were_published(
    database: Database, record: SqlEventRecord
) -> None:
    published = await execute(
        database, "SELECT event_id FROM session.outbox WHERE user_id = 1 ORDER BY user_seq"
    )
    assert [event.event_id for event in await record.list_events(1, 0, 100)] == [
        row.event_id for row in published
    ]
    assert [event.user_seq for event in await record.list_events(1, 1, 1)] == [2]
    assert [event.user_seq for event in await record.events(1, [3, 1, 77])] == [1, 3]


async def test_the_outbox_may_be_forgotten_and_a_digest_says_what_rows_say(
    database: Database, record: SqlEventRecord
) -> None:
    before = await record.digests(selection())
    await execute(database, "DELETE FROM session.outbox")
    assert await record.digests(selection()) == before
    await execute(
        database,
        "UPDATE session.practice_session SET elapsed_seconds = elapsed_seconds + 1 WHERE user_id = 2",
    )
    changed = await record.digests(selection())
    assert changed[0] == before[0]
    assert (changed[1].count, changed[1].digest != before[1].digest) == (1, True)


async def test_what_waits_or_is_young_is_given_time(database: Database, record: SqlEventRecord) -> None:
    await execute(database, "UPDATE session.outbox SET acked_at = NULL WHERE user_id = 1 AND user_seq = 3")
    waiting = await digest_of(record, 1)
    assert (waiting.last_seq, waiting.settled_through, waiting.count) == (3, 2, 2)
    await execute(database, "UPDATE session.outbox SET dead_at = now() WHERE acked_at IS NULL")
    assert (await digest_of(record, 1)).settled_through == 3

    await execute(database, "DELETE FROM session.outbox")
    young = await digest_of(record, 1, settle=timedelta(minutes=1))
    assert (young.last_seq, young.settled_through, young.count, young.digest) == (3, 0, 0, 0)


async def test_people_are_read_in_parts_by_number_the_named_ones_and_those_of_late(
    database: Database, record: SqlEventRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    def people(found: Any) -> list[int]:
        return [each.user_id for each in found]

    assert people(await record.digests(selection(limit=1))) == [1]
    assert people(await record.digests(selection(after_user_id=1))) == [2]
    assert people(await record.digests(selection(after_user_id=2))) == []
    assert people(await record.digests(selection(user_ids=(2, 3)))) == [2]
    # Somebody with many events is read alone.
    monkeypatch.setattr("session_service.outbox.record_sql.MOST_EVENTS", 2)
    assert people(await record.digests(selection())) == [1]

    await execute(
        database,
        "UPDATE session.practice_session SET ended_at = ended_at - interval '5 days' WHERE user_id = 1",
    )
    # What came late is in the outbox.
    assert people(await record.digests(selection(since=timedelta(days=3), limit=1))) == [1]
    await execute(database, "DELETE FROM session.outbox")
    assert people(await record.digests(selection(since=timedelta(days=3)))) == [2]


async def test_events_are_put_back_with_the_same_bytes_whatever_became_of_their_rows(
    database: Database, record: SqlEventRecord
) -> None:
    before = await execute(database, ALL)
    await execute(database, "DELETE FROM session.outbox WHERE user_seq = 2")
    await execute(
        database,
        "UPDATE session.outbox SET acked_at = NULL, dead_at = now(), attempts = 12, last_error = 'refused'"
        " WHERE user_id = 1 AND user_seq = 3",
    )
    republish = RepublishEvents(record)

    assert await republish(1, [1, 2, 3, 4]) == 3
    assert await republish(1, [1, 2, 3, 4]) == 0

    assert await execute(database, ALL) == before
    queue = SqlOutboxQueue(database.engine)
    due = await queue.claim([event.event_id for event in await queue.look(10)])
    assert [event.attempts for event in due] == [0, 0, 0]
    # Claimed by a relay, they wait; whoever asks again does not have them sent twice.
    assert await republish(1, [1, 2, 3]) == 0
    assert await queue.look(10) == []


async def test_nobody_erased_is_told_of(database: Database, record: SqlEventRecord) -> None:
    events: list[Event] = list(await record.events(1, [1, 2, 3]))
    await open_personal_data(database.engine).erase(1, "request")

    assert [each.user_id for each in await record.digests(selection())] == [2]
    assert await record.list_events(1, 0, 100) == []
    assert (await record.is_erased(1), await record.is_erased(2)) == (True, False)
    with pytest.raises(AccountErasedError):
        await record.put_back(events)
    assert await RepublishEvents(record)(1, [1, 2, 3]) == 0
