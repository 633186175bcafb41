"""No read that people wait for goes through a table that grows: the plans of all of them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import ARRAY, Boolean, Column, Date, DateTime, LargeBinary, MetaData, Table, Text, Uuid, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from service_kit.db.engines import close_async_engine, open_async_engine
from session_service.adapters.db import tables as session_tables
from session_service.adapters.db.housekeeping import forgetting_journals
from session_service.adapters.db.learners import SqlCalendarReaders
from session_service.adapters.db.readers import SqlReaders
from session_service.adapters.db.sessions import SqlSessions
from session_service.adapters.db.submissions import SqlSubmissionReaders
from session_service.adapters.db.workspaces import SqlWorkspaceReaders
from session_service.application.ports.readers import SessionSelection
from session_service.application.ports.sessions import SessionRef
from session_service.application.ports.submissions import SubmissionRef, SubmissionSelection
from session_service.domain.states import ENDED
from stats_service.adapters.db import tables as stats_tables
from stats_service.adapters.db.reader import SqlReader
from stats_service.adapters.db.summaries import SqlSummaryReader
from stats_service.domain.completion import ALL_PRODUCTS
from stats_service.domain.periods import Period
from stats_service.leaderboards.domain import Board
from stats_service.leaderboards.sql import SqlLeaderboardReader
from tests.plans import faults_of_plan, round_trips_of, statements_of

PEOPLE, OF_EACH = 250, 20
# What a row has where nothing is said: enough of each kind for the planner to tell people apart.
BY_TYPE: list[tuple[type[Any], str]] = [
    (Text, "'text ' || n"),
    (Boolean, "false"),
    (DateTime, "now() - n * interval '1 minute'"),
    (Date, "current_date - n % 1000"),
    (JSONB, "'{}'"),
    (Uuid, "gen_random_uuid()"),
    (LargeBinary, "decode(md5(n::text), 'hex')"),
]
BY_NAME = {
    "user_id": f"1 + n % {PEOPLE}",
    "product": "(ARRAY['yoga', 'portal', 'focus'])[1 + n / 250 % 3]",
    "state": "CASE WHEN n % 50 = 0 THEN 'paused' ELSE 'completed' END",
    "ended_at": "CASE WHEN n % 50 = 0 THEN NULL ELSE now() - n * interval '1 minute' END",
    "open_slot": "NULL",
    "time_zone": "'UTC'",
    "rollover_hour": "0",
    "policy_version": "1",
    "days": "'{}'::datemultirange",
    "badge_id": "'badge ' || n / 250",
    "change": "'used'",
    "kind": "'rest_days'",
    "period": "'week'",
    "first_day": "current_date - n % 1000",
    "message_bytes": "CASE WHEN n % 100 = 0 THEN n ELSE 0 END",
}
# One row a person, and what nobody but operators reads.
OF_PEOPLE = {"learner", "leaderboard_settings"}
NOT_FILLED = {
    *("erased_user", "product_version", "badge_definition", "leaderboard_key", "leaderboard_closing"),
    *("recalculation", "recalculation_shard", "recalculation_difference"),
    *("reconciliation", "reconciliation_learner", "rejected_event"),
}


def growing(metadata: MetaData) -> Iterator[Table]:
    return (table for table in metadata.sorted_tables if table.name not in NOT_FILLED)


def value_of(column: Column[Any]) -> str:
    if column.table.fullname == "session.journal" and column.name == "change":
        return "'ended'"
    if column.name in BY_NAME:
        return BY_NAME[column.name]
    if isinstance(column.type, ARRAY):
        return "'{}'"
    return next((value for kind, value in BY_TYPE if isinstance(column.type, kind)), "n")


async def fill(connection: AsyncConnection, table: Table) -> None:
    columns = [column for column in table.columns if column.computed is None]
    names = ", ".join(f'"{column.name}"' for column in columns)
    values = ", ".join(value_of(column) for column in columns)
    count = PEOPLE if table.name in OF_PEOPLE else PEOPLE * OF_EACH
    await connection.execute(
        text(
            f"INSERT INTO {table.fullname} ({names}) OVERRIDING SYSTEM VALUE"
            f" SELECT {values} FROM generate_series(1, {count}) AS n ON CONFLICT DO NOTHING"
        )
    )


# Rows that do not belong together are enough to plan by.
FREE = """
    DO $$ DECLARE bound record; BEGIN
        FOR bound IN SELECT conname, conrelid::regclass AS relation FROM pg_constraint
            WHERE contype = 'f' AND connamespace::regnamespace::text IN ('session', 'stats') LOOP
            EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', bound.relation, bound.conname);
        END LOOP;
        FOR bound IN SELECT DISTINCT tgrelid::regclass AS relation FROM pg_trigger
            JOIN pg_class ON pg_class.oid = tgrelid
            WHERE NOT tgisinternal AND relnamespace::regnamespace::text IN ('session', 'stats') LOOP
            EXECUTE format('ALTER TABLE %s DISABLE TRIGGER USER', bound.relation);
        END LOOP;
    END $$
"""


@pytest.fixture
async def filled(fresh_database_url: str) -> AsyncIterator[AsyncEngine]:
    """Thousands of rows in each table that grows, and what the planner knows of them."""
    engine = open_async_engine(fresh_database_url, pool_size=1, application="test")
    async with engine.begin() as connection:
        await connection.execute(text(FREE))
        for metadata in (session_tables.metadata, stats_tables.metadata):
            for table in growing(metadata):
                await fill(connection, table)
    async with engine.connect() as connection:
        await (await connection.execution_options(isolation_level="AUTOCOMMIT")).execute(
            text("VACUUM ANALYZE")
        )
    yield engine
    await close_async_engine(engine)


Read = Callable[[], Awaitable[object]]
ME, NUMBER = 7, 256
TODAY = datetime.now(UTC).date()


def session_reads(engine: AsyncEngine) -> dict[str, Read]:
    readers, workspaces = SqlReaders(engine), SqlWorkspaceReaders(engine)
    submissions, calendars = SqlSubmissionReaders(engine), SqlCalendarReaders(engine)
    ref = SessionRef(NUMBER)
    mine = SessionSelection(user_id=ME, product="yoga")

    async def in_transaction(work: Callable[[SqlSessions], Awaitable[object]]) -> None:
        async with engine.connect() as connection:
            await work(SqlSessions(connection))

    async def rest_of(session_number: int) -> None:
        session = await readers.get(ME, SessionRef(session_number))
        await workspaces.of(session)
        await workspaces.messages(session)

    async def all_of_export() -> None:
        async for _ in readers.ended(ME, 0):
            break

    return {
        "session": lambda: readers.get(ME, ref),
        "open session": lambda: readers.active(ME, "yoga", ""),
        "sessions": lambda: readers.list(mine),
        "sessions of every product": lambda: readers.list(replace(mine, product="")),
        "sessions after another": lambda: readers.list(replace(mine, before_id=NUMBER)),
        "history": lambda: readers.history(replace(mine, states=ENDED)),
        "history of all": lambda: readers.history(mine),
        "history, far from both ends": lambda: readers.history(replace(mine, states=ENDED, offset=2_000)),
        "history of an activity": lambda: readers.history(replace(mine, content="text 1", states=ENDED)),
        "summary": lambda: readers.summary(ME, "yoga"),
        "mark": lambda: readers.learner_mark(ME),
        "items": lambda: readers.items(ME, NUMBER),
        "report": lambda: readers.report(ME, ref),
        "draft": lambda: readers.draft(ME, NUMBER),
        "conversation": lambda: readers.messages(ME, NUMBER, 0, 10),
        "journal": lambda: readers.journal(ME, NUMBER, 0),
        "versions of watched sessions": lambda: readers.versions([NUMBER, NUMBER + 1]),
        "export": all_of_export,
        "work of a session": lambda: rest_of(NUMBER),
        "workspaces": lambda: workspaces.list(mine, 1_000_000),
        "submission": lambda: submissions.get(ME, SubmissionRef(NUMBER)),
        "newest submission": lambda: submissions.newest(ME, "text 1"),
        "submissions": lambda: submissions.list(SubmissionSelection(user_id=ME)),
        "journals to forget": forgetting_journals(engine, timedelta(days=1), batch=2, most_batches=1),
        "calendar": lambda: calendars.learner(ME, 10),
        "lock of a session": lambda: in_transaction(lambda sessions: sessions.lock(ME, ref)),
        "lock of the open session": lambda: in_transaction(lambda sessions: sessions.lock_open(ME, "yoga")),
        "number of open sessions": lambda: in_transaction(lambda sessions: sessions.open_count(ME)),
        "size of conversations": lambda: in_transaction(lambda sessions: sessions.conversation_bytes(ME)),
    }


def stats_reads(engine: AsyncEngine) -> dict[str, Read]:
    reader, summaries, boards = SqlReader(engine), SqlSummaryReader(engine), SqlLeaderboardReader(engine)
    some = [UUID(int=1), UUID(int=2)]
    year = TODAY - timedelta(days=365), TODAY

    def board(product: str) -> Read:
        week = Board(product, Period.of("week", TODAY))
        return lambda: reader.together(
            reader.learner(ME), boards.slice(week, "seconds", after=None, limit=20, user_id=ME)
        )

    return {
        "learner": lambda: reader.learner(ME),
        "protection": lambda: reader.protection(ME),
        "standing": lambda: reader.standing(ME, ALL_PRODUCTS),
        "standings": lambda: reader.standings(ME),
        "heatmap": lambda: reader.days(ME, "yoga", *year),
        "badges": lambda: reader.awards(ME),
        "badges of a session": lambda: reader.awards(ME, session_id=NUMBER),
        "applied events": lambda: reader.applied(some),
        "refused events": lambda: reader.rejected(some),
        "frozen days": lambda: reader.frozen(ME, "yoga"),
        "ledger of freezes": lambda: reader.ledger(ME, "yoga", after=None, limit=20),
        "days by product": lambda: summaries.days_by_product(ME, ALL_PRODUCTS, *year),
        "hours": lambda: summaries.hours(ME, ALL_PRODUCTS, *year),
        "days by product with their learner": lambda: reader.together(
            reader.learner(ME), summaries.days_by_product(ME, "yoga", *year)
        ),
        "hours with their learner": lambda: reader.together(
            reader.learner(ME), summaries.hours(ME, ALL_PRODUCTS, *year)
        ),
        "board": board("yoga"),
        "board of all": board(ALL_PRODUCTS),
    }


async def test_no_hot_read_goes_through_a_table_that_grows(filled: AsyncEngine) -> None:
    names = {
        table.name
        for metadata in (session_tables.metadata, stats_tables.metadata)
        for table in growing(metadata)
    } - OF_PEOPLE
    faults: dict[str, list[str]] = {}
    for name, read in {**session_reads(filled), **stats_reads(filled)}.items():
        statements = await statements_of(filled, read)
        async with filled.connect() as connection:
            for statement in statements:
                if found := await faults_of_plan(connection, statement, names):
                    faults.setdefault(name, []).extend(found)
    assert faults == {}
    trips = {name: len(await round_trips_of(filled, read)) for name, read in stats_reads(filled).items()}
    assert trips == dict.fromkeys(trips, 1)


async def test_a_plan_that_goes_through_a_table_is_found(filled: AsyncEngine) -> None:
    async def through_all() -> None:
        async with filled.connect() as connection:
            await connection.execute(text("SELECT count(*) FROM session.practice_session WHERE note = 'x'"))
            await connection.execute(text("SELECT max(id) FROM session.practice_session WHERE user_id > 0"))

    statements = await statements_of(filled, through_all)
    async with filled.connect() as connection:
        for statement in statements:
            assert await faults_of_plan(connection, statement, {"practice_session"})
