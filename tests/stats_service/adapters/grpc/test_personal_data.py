"""The stats service gives all that it keeps of a learner, and forgets them for good."""

from __future__ import annotations

import asyncio
import threading
import uuid
from datetime import date
from typing import Any

import grpc
import pytest
from practice.privacy.v1 import personal_data_service_pb2 as privacy_pb
from practice.stats.v1 import stats_service_pb2 as pb
from practice.stats.v1 import stats_service_pb2_grpc as rpc
from sqlalchemy import Engine, Table, insert, select
from sqlalchemy.exc import DBAPIError

from service_kit.db.faults import is_erased
from service_kit.errors import AccountErasedError
from stats_service.adapters.db import tables
from stats_service.adapters.db.learner_store import SqlLearnerStore
from stats_service.application.backfill import BackfillBadges
from stats_service.application.ports.learners import Rejection
from stats_service.domain.completion import Completion
from tests.databases import lock_waiters
from tests.personal_data import PersonalDataClient, rows_of
from tests.stats_service.conftest import Apply, ApplyChanges
from tests.stats_service.facts import calendar_change, completion, history
from tests.waiting import PATIENCE_SECONDS

Metadata = tuple[tuple[str, str], ...]
DAYS = [date(2026, 2, day) for day in (16, 17, 18)]


@pytest.fixture
def personal_data(channel: grpc.aio.Channel, internal: Metadata) -> PersonalDataClient:
    return PersonalDataClient(channel, internal)


@pytest.fixture
def facts(apply: Apply, apply_changes: ApplyChanges, store: SqlLearnerStore) -> list[Completion]:
    """Three days of learner 1, a move, a refused event; a day of learner 2."""
    facts = history(1, DAYS)
    apply(*facts, *history(2, DAYS[:1]))
    apply_changes(calendar_change(user_id=1, user_seq=9))
    clash = completion(user_id=1, user_seq=1, local_date=DAYS[0])
    assert apply(clash).rejected == 1
    return facts


@pytest.fixture
def everywhere(facts: list[Completion], engine: Engine) -> None:
    """A row of learner 1 in every table with a learner's number."""
    job, run, entry = (uuid.UUID(int=number) for number in (1, 2, 3))
    day = {"day": DAYS[0], "product": "all"}
    score = {"elapsed_seconds": 60, "session_count": 1}
    badge = dict.fromkeys(("name", "description", "icon", "product", "condition"), "")
    counts = {"refused": 0, "corrected": 0, "orphans": 0, "progress_rows": 1}
    rows: list[tuple[Table, dict[str, Any]]] = [
        (tables.streak_entry, {"entry_id": entry, "kind": "rest_days", "first_day": DAYS[0]}),
        (tables.freeze_ledger, {**day, "change": "used"}),
        (tables.leaderboard_settings, {"alias": "Ana"}),
        (
            tables.leaderboard_entry,
            {"period": "day", "first_day": DAYS[0], "product": "focus", **score},
        ),
        (tables.idempotency, {"key": "k", "method": "m", "request_digest": b"x"}),
        (tables.recalculation_difference, {"job_id": job, "row_count": 1, "rows": []}),
        (tables.reconciliation_learner, {"run_id": run, "event_ids": [], **counts}),
        (tables.awarded_badge, {"badge_id": "one", "version": 1, "user_seq": 1}),
    ]
    with engine.begin() as connection:
        connection.execute(insert(tables.recalculation).values(job_id=job, scope={}, shadow=True, deep=True))
        connection.execute(insert(tables.reconciliation).values(run_id=run, whom="all", deep=True))
        told = {"badge_id": "one", "version": 1, "state": "active", "revision": 1, **badge}
        connection.execute(insert(tables.badge_definition).values(**told))
        for table, values in rows:
            connection.execute(insert(table).values(user_id=1, **values))


async def test_facts_and_all_that_follows_from_them_are_in_the_files(
    personal_data: PersonalDataClient, facts: list[Completion]
) -> None:
    categories = await personal_data.categories(1)

    told = {name.removeprefix("stats/"): len(entries) for name, entries in categories.items()}
    assert told["completion"] == told["daily_progress"] == 3
    assert told["standing"] == 2
    assert (told["calendar_change"], told["learner"], told["rejected_event"]) == (1, 1, 1)
    assert {entry["event_id"] for entry in categories["stats/completion"]} == {str(f.event_id) for f in facts}
    assert categories["stats/standing"][0]["days"] == [["2026-02-16", "2026-02-18"]]


async def test_every_table_with_a_persons_number_is_among_the_files(
    personal_data: PersonalDataClient,
) -> None:
    theirs = {
        table.name
        for table in tables.metadata.tables.values()
        if "user_id" in table.c and table is not tables.erased_user
    }
    told = {name.removeprefix("stats/") for name in await personal_data.categories(1)}
    assert told == theirs - {"idempotency"} | {"requests"}


async def test_an_erased_person_leaves_nothing_and_others_keep_theirs(
    personal_data: PersonalDataClient, everywhere: None, fresh_database_url: str
) -> None:
    before = {
        name.removeprefix("stats/"): len(entries)
        for name, entries in (await personal_data.categories(1)).items()
    }
    assert all(before.values()), before
    others = await personal_data.export(2)

    removed = await personal_data.erase(1)

    assert removed == before
    assert rows_of(fresh_database_url, 1, "stats") == {}
    assert await personal_data.export(2) == others
    assert await personal_data.erase(1) == removed
    assert set((await personal_data.erase(1, "two")).values()) == {0}


async def test_the_boards_that_others_move_up_on_are_counted_once(
    personal_data: PersonalDataClient, facts: list[Completion], apply: Apply, internal: Metadata
) -> None:
    apply(completion(user_id=1, user_seq=30, local_date=DAYS[0], product="yoga"))

    reports = [
        await personal_data.stub.ErasePersonalData(
            privacy_pb.ErasePersonalDataRequest(user_id=1, request_id=request_id), metadata=internal
        )
        for request_id in ("one", "one", "two")
    ]

    # Of three days, a week and a month: focus and all products; of one of each, yoga.
    counts = [[(each.what, each.count) for each in report.corrected] for report in reports]
    assert counts == [[("leaderboards", 5 + 5 + 3)]] * 2 + [[("leaderboards", 0)]]


async def test_late_events_of_an_erased_person_are_settled_and_change_nothing(
    personal_data: PersonalDataClient,
    facts: list[Completion],
    apply: Apply,
    apply_changes: ApplyChanges,
    channel: grpc.aio.Channel,
    internal: Metadata,
    fresh_database_url: str,
) -> None:
    await personal_data.erase(1)
    late = calendar_change(user_id=1, user_seq=10)

    applied = apply(*facts, completion(user_id=2, user_seq=2, local_date=DAYS[1]))
    assert (applied.new, applied.rejected, applied.postponed) == (1, 3, [])
    assert apply(*facts).rejected == 3
    assert apply_changes(late).rejected == 1

    asked = pb.GetAppliedRequest(event_ids=[str(fact.event_id) for fact in (*facts, late)])
    answer = await rpc.StatsAdminServiceStub(channel).GetApplied(asked, metadata=internal)
    assert list(answer.applied_event_ids) == []
    assert {each.reason for each in answer.rejected_events} == {"erased"}
    assert len(answer.rejected_events) == 4
    assert rows_of(fresh_database_url, 1, "stats") == {}


async def test_what_is_refused_of_an_erased_person_is_not_kept(
    personal_data: PersonalDataClient,
    facts: list[Completion],
    store: SqlLearnerStore,
    fresh_database_url: str,
) -> None:
    await personal_data.erase(1)
    store.reject([Rejection(facts[0].event_id, "outcome is not one", b"payload", 1)])
    assert rows_of(fresh_database_url, 1, "stats") == {}


async def test_nothing_is_recorded_for_an_erased_person(
    personal_data: PersonalDataClient, engine: Engine
) -> None:
    await personal_data.erase(1)
    entry = {"entry_id": "00000000-0000-0000-0000-000000000001", "user_id": 1, "kind": "rest_days"}
    with pytest.raises(DBAPIError) as raised, engine.begin() as connection:
        connection.execute(insert(tables.streak_entry).values(**entry, first_day=DAYS[0]))
    assert is_erased(raised.value)


async def test_work_on_people_goes_on_without_the_erased(
    personal_data: PersonalDataClient,
    facts: list[Completion],
    store: SqlLearnerStore,
    fresh_database_url: str,
) -> None:
    await personal_data.erase(1)
    with store.work_on([1, 2]) as work:
        assert set(work.learners()) <= {2}
        work.commit()
    with pytest.raises(AccountErasedError), store.work_on([1]):
        pass
    assert BackfillBadges(store)() is None
    assert rows_of(fresh_database_url, 1, "stats") == {}


async def test_a_completion_under_way_is_erased_with_the_rest(
    personal_data: PersonalDataClient,
    facts: list[Completion],
    store: SqlLearnerStore,
    fresh_database_url: str,
) -> None:
    begun, go_on = threading.Event(), threading.Event()
    late = completion(user_id=1, user_seq=20, local_date=date(2026, 2, 19))

    def take_in() -> None:
        with store.work_on([1]) as work:
            begun.set()
            assert go_on.wait(PATIENCE_SECONDS)
            work.add([late])
            work.commit()

    under_way = asyncio.create_task(asyncio.to_thread(take_in))
    await asyncio.to_thread(begun.wait, 10)
    erasing = asyncio.create_task(personal_data.erase(1))
    await lock_waiters(fresh_database_url)
    assert not erasing.done()
    go_on.set()

    await under_way
    assert (await erasing)["completion"] == 4
    assert rows_of(fresh_database_url, 1, "stats") == {}


def test_a_refused_event_remembers_whose_it_is(apply: Apply, engine: Engine) -> None:
    first = completion(user_id=3, user_seq=1)
    apply(first)
    clash = completion(user_id=3, user_seq=1)
    apply(clash)
    with engine.connect() as connection:
        found = connection.execute(
            select(tables.rejected_event.c.user_id).where(tables.rejected_event.c.event_id == clash.event_id)
        ).scalar_one()
    assert found == 3
