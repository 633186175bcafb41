"""The journal of a session is forgotten some days after its end, a batch at a time."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from sqlalchemy import text

from service_kit.call import Call
from session_service.adapters.db.housekeeping import forgetting_journals
from session_service.application.ports.sessions import SessionRef
from session_service.application.watch_session import Snapshot
from tests.session_service.database import Database

WEEK = timedelta(days=7)


async def ended(database: Database, user_id: int, count: int) -> list[SessionRef]:
    call = Call(user_id)
    refs = [await database.started(user_id, "yoga") for _ in range(count)]
    for ref in refs:
        await database.use.pause_session(call, ref)
        await database.use.complete_session(call, ref, reported=0)
    return refs


async def pass_days(database: Database, refs: list[SessionRef], days: int) -> None:
    aged = text(
        "UPDATE session.journal SET at = at - make_interval(days => :days) WHERE session_id = ANY(:ids)"
    )
    async with database.engine.begin() as connection:
        await connection.execute(aged, {"days": days, "ids": [ref.id for ref in refs]})


async def test_only_what_ended_long_ago_is_forgotten(database: Database, user_id: int) -> None:
    call = Call(user_id)
    old, recent = await ended(database, user_id, 3), await ended(database, user_id, 2)
    going_on = await database.started(user_id, "yoga")
    await database.use.pause_session(call, going_on)
    await pass_days(database, [*old, going_on], 8)
    await database.use.set_note(call, old[0], "again")

    assert await forgetting_journals(database.engine, WEEK)() >= 7
    left = await database.column("journal", "session_id", user_id=user_id)
    assert left == sorted([ref.id for ref in recent for _ in range(2)] + [going_on.id])
    assert await forgetting_journals(database.engine, WEEK)() == 0

    watched = [happened async for happened in await database.use.watch_session(call, old[0], 2)]
    session = await database.use.get_session(call, old[0])
    assert watched == [Snapshot(session, session.elapsed_seconds)]
    assert (session.state, session.note, session.version) == ("completed", "again", 4)
    # What is written about it afterwards goes the same way.
    await database.use.set_note(call, old[0], "once more")
    await pass_days(database, old, 8)
    assert await forgetting_journals(database.engine, WEEK)() == 1


async def test_a_round_has_an_end_and_copies_do_not_wait_for_each_other(
    database: Database, user_id: int
) -> None:
    refs = await ended(database, user_id, 7)
    await pass_days(database, refs, 8)
    assert await forgetting_journals(database.engine, WEEK, batch=2, most_batches=1)() == 4
    forget = forgetting_journals(database.engine, WEEK, batch=1)
    assert sum(await asyncio.gather(*(forget() for _ in range(3)))) <= 10
    await forget()
    assert await database.count("journal", user_id=user_id) == 0
