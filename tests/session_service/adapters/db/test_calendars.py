"""Changes of calendar in the database, also from two connections at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Row, select

from service_kit.call import Call
from service_kit.errors import ConflictError
from service_kit.zone_handover import KnownSignUps
from session_service.adapters.db import tables
from session_service.adapters.db.readers import SqlReaders
from session_service.adapters.events import encode
from session_service.application.calendars import RememberCalendar
from session_service.application.ports.outbox import Outgoing
from session_service.domain.days import Calendar
from session_service.domain.events import CALENDAR_CHANGED, ENDED, CalendarChanged
from tests.session_service.database import Database

SIGN_UP = datetime(2026, 1, 5, 9, 30, tzinfo=UTC)


async def rows(database: Database, table: str, user_id: int) -> Sequence[Row[Any]]:
    """A user's rows in the order of their places in the sequence."""
    source = tables.metadata.tables[f"session.{table}"]
    statement = select(source).where(source.c.user_id == user_id).order_by(source.c.user_seq)
    async with database.engine.connect() as connection:
        return (await connection.execute(statement)).all()


def remembering(database: Database) -> RememberCalendar:
    """The use case of a process that has told nobody anything yet."""
    readers = SqlReaders(database.engine)
    return RememberCalendar(database.unit_of_work, lambda: datetime.now(UTC), readers, KnownSignUps())


async def test_a_commit_holds_the_calendar_its_history_its_number_and_its_event(
    database: Database, user_id: int
) -> None:
    await remembering(database)(user_id, "Asia/Tokyo", SIGN_UP)

    assert await database.column("learner", "time_zone", user_id=user_id) == ["Asia/Tokyo"]
    assert await database.column("learner", "signed_up_at", user_id=user_id) == [SIGN_UP]
    assert await database.column("learner", "last_seq", user_id=user_id) == [1]
    _, (change,) = await database.calendars.learner(user_id, 100)
    payload = encode(CalendarChanged.of(change))
    (event,) = await rows(database, "outbox", user_id)
    assert (event.kind, event.aggregate_id, event.user_seq) == (CALENDAR_CHANGED, change.id, 1)
    assert event.payload == payload
    assert database.told.published == [Outgoing(event.event_id, CALENDAR_CHANGED, payload, "", user_id, 1)]


async def test_the_same_zone_again_adds_nothing_from_any_process(database: Database, user_id: int) -> None:
    for _ in range(3):
        await remembering(database)(user_id, "Asia/Tokyo", SIGN_UP)

    assert len(await rows(database, "learner_calendar", user_id)) == 1
    assert len(await rows(database, "outbox", user_id)) == 1
    assert await database.column("learner", "last_seq", user_id=user_id) == [1]


async def test_two_zones_at_once_both_happen_one_after_the_other(database: Database, user_id: int) -> None:
    table = tables.learner
    await remembering(database)(user_id, "Europe/Madrid", None)
    async with database.engine.connect() as holder:
        await holder.execute(select(table.c.user_id).where(table.c.user_id == user_id).with_for_update())
        racing = asyncio.gather(
            *(remembering(database)(user_id, zone, None) for zone in ("Asia/Tokyo", "Europe/Berlin"))
        )
        await database.until_waiting(2)
    await racing

    changes = await rows(database, "learner_calendar", user_id)
    assert [change.user_seq for change in changes] == [1, 2, 3]
    assert {change.time_zone for change in changes[1:]} == {"Asia/Tokyo", "Europe/Berlin"}
    instants = [change.effective_at for change in changes]
    assert instants == sorted(set(instants))
    learner, history = await database.calendars.learner(user_id, 100)
    assert learner.calendar.time_zone == changes[-1].time_zone == history[0].calendar.time_zone
    assert [row.aggregate_id for row in await rows(database, "outbox", user_id)] == [c.id for c in changes]


@pytest.mark.parametrize("seen_before", [False, True])
async def test_one_zone_from_many_connections_at_once_is_one_change(
    database: Database, user_id: int, seen_before: bool
) -> None:
    if seen_before:
        await remembering(database)(user_id, "Europe/Madrid", SIGN_UP)

    await asyncio.gather(*(remembering(database)(user_id, "Asia/Tokyo", SIGN_UP) for _ in range(10)))

    assert len(await rows(database, "outbox", user_id)) == 1 + seen_before


async def test_a_change_and_ends_at_once_leave_no_gap_in_the_sequence(
    database: Database, user_id: int
) -> None:
    refs = [await database.started(user_id) for _ in range(5)]

    await asyncio.gather(
        *(database.use.complete_session(Call(user_id), ref) for ref in refs),
        *(remembering(database)(user_id, zone, None) for zone in ("Asia/Tokyo", "Europe/Berlin")),
    )

    assert [row.user_seq for row in await rows(database, "outbox", user_id)] == list(range(1, 8))


async def test_what_one_process_was_told_holds_at_another_for_the_very_next_end(
    database: Database, user_id: int
) -> None:
    one, other = remembering(database), remembering(database)
    refs = [await database.started(user_id) for _ in range(4)]
    ended = []
    # A phone asks the one process, a laptop the other, and both go on saying their zones.
    for ref, process, zone in zip(
        refs, (one, other, one, other), ("Pacific/Kiritimati", "Pacific/Niue") * 2, strict=True
    ):
        call = Call(user_id, time_zone=zone)
        await process.of_call(call)
        ended.append((await database.use.complete_session(call, ref)).session)

    assert [session.time_zone for session in ended] == ["Pacific/Kiritimati", "Pacific/Niue"] * 2
    assert all(
        session.ended_at is not None
        and session.local_date == Calendar(session.time_zone).local_date(session.ended_at)
        for session in ended
    )
    # Each change before its end, without a gap.
    sequence = [(row.kind, row.user_seq) for row in await rows(database, "outbox", user_id)]
    assert [seq for _, seq in sequence] == list(range(1, 9))
    assert [kind for kind, _ in sequence] == [CALENDAR_CHANGED, ENDED] * 4
    history = await rows(database, "learner_calendar", user_id)
    assert [row.effective_at for row in history] == sorted({row.effective_at for row in history})


async def test_ends_in_two_zones_at_once_are_each_in_their_own(database: Database, user_id: int) -> None:
    refs = [await database.started(user_id) for _ in range(8)]
    zones = ["Pacific/Kiritimati", "Pacific/Niue"] * 4

    done = await asyncio.gather(
        *(
            database.use.complete_session(Call(user_id, time_zone=zone), ref)
            for zone, ref in zip(zones, refs, strict=True)
        )
    )

    assert [each.session.time_zone for each in done] == zones
    events = await rows(database, "outbox", user_id)
    assert [row.user_seq for row in events] == list(range(1, len(events) + 1))


async def test_a_fault_before_the_commit_leaves_no_trace(database: Database, user_id: int) -> None:
    async with database.unit_of_work() as work:
        change = (await work.learners.lock(user_id)).change(datetime.now(UTC), time_zone="Asia/Tokyo")
        assert change is not None
        await work.outbox.add(CalendarChanged.of(await work.learners.put_in_force(change)))

    for table in ("learner", "learner_calendar", "outbox"):
        assert await database.count(table, user_id=user_id) == 0


async def test_a_calendar_set_by_hand_is_set_once_for_a_key(
    database: Database, user_id: int, keyed: Callable[..., Call]
) -> None:
    first = await database.use.update_calendar(keyed("set"), time_zone="Asia/Tokyo", rollover_hour=4)
    await database.use.update_calendar(keyed(), time_zone="Europe/Berlin")
    again = await database.use.update_calendar(keyed("set"), time_zone="Asia/Tokyo", rollover_hour=4)

    assert again == first
    assert first.calendar == Calendar("Asia/Tokyo", 4)
    assert await database.column("learner", "time_zone", user_id=user_id) == ["Europe/Berlin"]
    assert await database.column("learner", "rollover_hour", user_id=user_id) == [4]
    with pytest.raises(ConflictError):
        await database.use.update_calendar(keyed("set", body="other"), time_zone="UTC")


async def test_the_history_is_bounded_and_newest_first(database: Database, user_id: int) -> None:
    zones = ["Asia/Tokyo", "Europe/Berlin", "Asia/Tokyo", "UTC"]
    for zone in zones:
        await remembering(database)(user_id, zone, None)

    learner, history = await database.calendars.learner(user_id, 3)

    assert [change.calendar.time_zone for change in history] == ["UTC", "Asia/Tokyo", "Europe/Berlin"]
    assert learner.effective_at == history[0].effective_at
    assert history[0].effective_at - history[2].effective_at < timedelta(seconds=30)
