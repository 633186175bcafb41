"""Changes of calendar in a real database: kept once, and in force where they are the latest."""

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, text

from service_kit.db.engines import open_async_engine
from stats_service.adapters.db.learner_store import SqlLearnerStore
from stats_service.adapters.db.reader import SqlReader
from stats_service.application.backfill import BackfillBadges
from stats_service.application.ingest import ApplyCalendarChanges, rederive
from stats_service.application.ports.reading import Learner
from stats_service.domain.calendar import Calendar
from tests.stats_service.adapters.db.badges import badge, publish
from tests.stats_service.conftest import Apply, ApplyChanges
from tests.stats_service.facts import NOON, calendar_change, completion, history

MADRID, TOKYO = "Europe/Madrid", "Asia/Tokyo"


def at(minutes: float) -> Any:
    return NOON + timedelta(minutes=minutes)


def rows(engine: Engine, table: str) -> list[Any]:
    with engine.connect() as connection:
        return list(connection.execute(text(f"SELECT * FROM stats.{table}")).all())


async def learner(url: str, user_id: int = 1) -> Learner:
    engine = open_async_engine(url, pool_size=1, application="test")
    try:
        return await SqlReader(engine).learner(user_id)
    finally:
        await engine.dispose()


async def test_somebody_who_never_practised_has_the_calendar_that_was_told(
    apply_changes: ApplyChanges, fresh_database_url: str
) -> None:
    assert apply_changes(calendar_change(user_seq=1, rollover_hour=3)).new == 1
    assert await learner(fresh_database_url) == Learner(Calendar(TOKYO, 3), 1)
    assert await learner(fresh_database_url, 2) == Learner(Calendar(), 0)


@pytest.mark.parametrize("order", [*itertools.permutations(range(3))])
async def test_the_latest_of_facts_and_changes_is_in_force_in_whatever_order_they_come(
    apply: Apply, apply_changes: ApplyChanges, fresh_database_url: str, order: tuple[int, ...]
) -> None:
    arrivals = [
        lambda: apply_changes(calendar_change(user_seq=1, effective_time=at(1), time_zone=MADRID)),
        lambda: apply(completion(user_seq=2, end_time=at(2), time_zone=MADRID)),
        lambda: apply_changes(calendar_change(user_seq=3, effective_time=at(3), rollover_hour=4)),
    ]
    for number in order:
        assert arrivals[number]().new == 1
    assert await learner(fresh_database_url) == Learner(Calendar(TOKYO, 4), 3)


async def test_a_fact_later_than_every_change_says_how_days_run(
    apply: Apply, apply_changes: ApplyChanges, fresh_database_url: str
) -> None:
    apply_changes(calendar_change(user_seq=1, effective_time=at(1)))
    apply(completion(user_seq=2, end_time=at(2), time_zone=MADRID, rollover_hour=5))
    assert (await learner(fresh_database_url)).calendar == Calendar(MADRID, 5)


async def test_a_session_told_late_from_elsewhere_says_nothing_of_how_days_run_now(
    apply: Apply, apply_changes: ApplyChanges, store: SqlLearnerStore, fresh_database_url: str
) -> None:
    apply_changes(calendar_change(user_seq=1, effective_time=at(1), time_zone=MADRID, rollover_hour=4))
    late = [completion(user_seq=seq, end_time=at(-seq), time_zone=TOKYO) for seq in (2, 3)]
    apply(late[0])
    assert (await learner(fresh_database_url)).calendar == Calendar(MADRID, 4)
    apply(completion(user_seq=4, end_time=at(2), time_zone="Europe/Lisbon", rollover_hour=4))
    # What arrives last has the highest number, and ended first.
    apply(replace(late[1], user_seq=5))
    assert (await learner(fresh_database_url)).calendar == Calendar("Europe/Lisbon", 4)
    with store.work_on([1]) as work:
        rederive(work)
        work.commit()
    assert (await learner(fresh_database_url)).calendar == Calendar("Europe/Lisbon", 4)


async def test_a_change_at_the_instant_of_a_fact_is_in_force(
    apply: Apply, apply_changes: ApplyChanges, fresh_database_url: str
) -> None:
    apply(completion(user_seq=1, end_time=at(1), time_zone=MADRID))
    apply_changes(calendar_change(user_seq=2, effective_time=at(1)))
    assert (await learner(fresh_database_url)).calendar == Calendar(TOKYO)


async def test_both_kinds_count_for_how_far_facts_are_complete(
    apply: Apply, apply_changes: ApplyChanges, fresh_database_url: str
) -> None:
    through = []
    for arrive, fact in (
        (apply, completion(user_seq=2)),
        (apply_changes, calendar_change(user_seq=4)),
        (apply_changes, calendar_change(user_seq=1)),
        (apply, completion(user_seq=5)),
        (apply, completion(user_seq=3)),
    ):
        arrive(fact)
        through.append((await learner(fresh_database_url)).applied_through)
    assert through == [0, 0, 2, 2, 5]


async def test_a_turn_told_late_keeps_the_day_it_cut_short_and_the_streak_over_it(
    apply: Apply, apply_changes: ApplyChanges, engine: Engine, fresh_database_url: str
) -> None:
    await publish(fresh_database_url, badge("two", 2, "best_streak"))
    day = NOON.date()
    apply(*history(1, [day - timedelta(days=1), day + timedelta(days=1)]))
    assert rows(engine, "awarded_badge") == []
    apply_changes(calendar_change(user_seq=3, effective_time=NOON, time_zone="Pacific/Auckland"))
    (award,) = rows(engine, "awarded_badge")
    assert award.user_seq == 2


def test_a_change_told_again_adds_nothing_and_another_content_is_refused(
    apply_changes: ApplyChanges, engine: Engine
) -> None:
    change = calendar_change(user_seq=1, sign_up_time=NOON)
    assert apply_changes(change, change).repeated == 1
    assert apply_changes(change).repeated == 1
    assert apply_changes(replace(change, time_zone=MADRID)).rejected == 1
    assert apply_changes(calendar_change(user_seq=1)).rejected == 1, "a place that is taken"

    (kept,) = rows(engine, "calendar_change")
    assert (kept.time_zone, kept.sign_up_time) == (TOKYO, NOON)
    assert len(rows(engine, "rejected_event")) == 2


def test_one_change_from_many_connections_at_once_is_kept_once(
    apply_changes: ApplyChanges, engine: Engine
) -> None:
    change = calendar_change(user_seq=1)
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda _: apply_changes(change), range(16)))

    assert sum(result.new for result in results) == 1
    assert sum(result.repeated for result in results) == 15
    assert len(rows(engine, "calendar_change")) == 1


async def test_a_transaction_that_dies_leaves_no_trace_and_the_change_may_come_again(
    store: SqlLearnerStore, apply_changes: ApplyChanges, engine: Engine, fresh_database_url: str
) -> None:
    change = calendar_change(user_seq=1)
    with pytest.raises(ZeroDivisionError), store.work_on([1]) as work:
        work.add_changes([change])
        rederive(work, ())
        raise ZeroDivisionError
    assert rows(engine, "calendar_change") == rows(engine, "learner") == []

    assert apply_changes(change).new == 1
    assert (await learner(fresh_database_url)).applied_through == 1


async def test_one_that_cannot_be_stored_blocks_no_other(
    store: SqlLearnerStore, apply_changes: ApplyChanges, engine: Engine
) -> None:
    applied = apply_changes(calendar_change(user_seq=1), calendar_change(user_seq=2, time_zone="\0"))
    assert (applied.new, applied.rejected, applied.failed) == (1, 1, 0)
    assert ApplyCalendarChanges(store)([]).new == 0
    assert len(rows(engine, "calendar_change")) == 1


async def test_badges_are_backfilled_for_somebody_with_a_calendar_alone(
    store: SqlLearnerStore, apply_changes: ApplyChanges, engine: Engine, fresh_database_url: str
) -> None:
    apply_changes(calendar_change(user_seq=1))
    await publish(fresh_database_url, badge("first", 1))
    assert BackfillBadges(store)() is None

    (row,) = rows(engine, "learner")
    assert (row.applied_through, row.catalogue_revision) == (1, 1)
    assert (await learner(fresh_database_url)).calendar == Calendar(TOKYO)
