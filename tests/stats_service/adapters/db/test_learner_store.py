"""Facts and progress in a real database, also from two connections at once."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine, text

from deploy.local.servers import start_postgres
from service_kit.db.engines import open_engine
from service_kit.db.migrate import upgrade
from service_kit.errors import UnavailableError
from stats_service.adapters.cel.conditions import compile_condition
from stats_service.adapters.db.derived import differences
from stats_service.adapters.db.learner_store import SqlLearnerStore
from stats_service.application.backfill import BackfillBadges
from stats_service.application.ingest import Applied
from stats_service.domain.badges import BadgeCatalogue
from stats_service.domain.completion import Completion
from stats_service.domain.derivation import derive
from stats_service.domain.facts import Facts
from tests.stats_service.adapters.db.badges import badge, publish
from tests.stats_service.adapters.db.dump import DERIVED, derived_state
from tests.stats_service.conftest import Apply
from tests.stats_service.facts import completion, history
from tests.waiting import PATIENCE_SECONDS, eventually

DAY = date(2026, 2, 1)


def days(*numbers: int) -> list[date]:
    return [DAY + timedelta(days=number) for number in numbers]


def count(engine: Engine, table: str) -> int:
    with engine.connect() as connection:
        return int(connection.execute(text(f"SELECT count(*) FROM stats.{table}")).scalar_one())


def applied_through(engine: Engine, user_id: int = 1) -> int:
    with engine.connect() as connection:
        query = text("SELECT applied_through FROM stats.learner WHERE user_id = :user_id")
        return int(connection.execute(query, {"user_id": user_id}).scalar_one())


def random_history(user_id: int, length: int, random: Random) -> list[Completion]:
    return [
        completion(
            user_id=user_id,
            user_seq=seq,
            local_date=DAY + timedelta(days=random.randrange(40)),
            product=random.choice(["focus", "exercises", "yoga"]),
            counts=random.random() < 0.8,
            answer_count=random.randrange(9),
            time_zone=random.choice(["UTC", "Asia/Kolkata"]),
            rollover_hour=random.randrange(5),
        )
        for seq in range(1, length + 1)
    ]


def test_stored_progress_is_what_the_facts_add_up_to(
    apply: Apply, engine: Engine, store: SqlLearnerStore
) -> None:
    facts = [fact for user_id in (1, 2) for fact in random_history(user_id, 40, Random(user_id))]
    apply(*facts)
    with store.work_on([2, 1]) as work:
        derived = derive(Facts.of(facts), {}, work.catalogue())
        assert work.save(work.facts(), derived) == 0, "nothing differs"
    with engine.connect() as connection:
        latest = max(facts[:40], key=lambda fact: fact.moment)
        learner = text(
            "SELECT time_zone, rollover_hour, latest_end_time FROM stats.learner WHERE user_id = 1"
        )
        row = connection.execute(learner).one()
        assert tuple(row) == (latest.time_zone, latest.rollover_hour, latest.end_time)


def test_what_would_change_can_be_told_without_changing_it(
    apply: Apply, engine: Engine, store: SqlLearnerStore
) -> None:
    facts = history(1, days(0, 1))
    apply(*facts, *history(2, days(0)))
    derived = derive(Facts.of(facts[:1]), {}, BadgeCatalogue())
    before = derived_state(engine)
    with engine.connect() as connection:
        told = differences(connection, [1], derived)
        assert [(each.user_id, each.table) for each in told] == [
            (1, "daily_progress"),
            (1, "standing"),
            (1, "standing"),
        ]
        assert told[0].derived is None
        assert told[0].stored is not None
        assert told[0].stored["local_date"] == "2026-02-02"
        assert differences(connection, [1], derive(Facts.of(facts), {}, BadgeCatalogue())) == []
    assert derived_state(engine) == before


async def test_any_order_batching_and_repetition_gives_the_same_bytes(
    apply: Apply, engine: Engine, fresh_database_url: str
) -> None:
    await publish(
        fresh_database_url,
        badge("five", 5, product="all"),
        badge("week", 4, "best_streak", product="all"),
        badge("answers", 20, "answers", product="exercises"),
    )
    random = Random(2)
    facts = [fact for user_id in (1, 2, 3) for fact in random_history(user_id, 25, random)]
    states = set()
    for _ in range(3):
        deliveries = [*facts, *random.sample(facts, 30)]
        random.shuffle(deliveries)
        while deliveries:
            size = random.randrange(1, 20)
            apply(*deliveries[:size])
            deliveries = deliveries[size:]
        states.add(derived_state(engine))
        with engine.begin() as connection:
            for table in (*DERIVED, "learner", "completion"):
                connection.execute(text(f"DELETE FROM stats.{table}"))
    assert len(states) == 1


async def test_live_progress_equals_a_rebuild_from_the_facts_to_the_byte(
    apply: Apply, engine: Engine, store: SqlLearnerStore, fresh_database_url: str
) -> None:
    await publish(fresh_database_url, badge("three", 3), badge("days", 5, "days", product="all"))
    random = Random(3)
    facts = [fact for user_id in (1, 2) for fact in random_history(user_id, 30, random)]
    random.shuffle(facts)
    for fact in facts:
        apply(fact)
    live = derived_state(engine)
    assert "awarded_badge" in live
    with engine.begin() as connection:
        for table in DERIVED:
            connection.execute(text(f"DELETE FROM stats.{table}"))
        connection.execute(text("UPDATE stats.learner SET catalogue_revision = -1"))
    assert BackfillBadges(store)() is None
    assert derived_state(engine) == live


async def test_a_rebuild_removes_what_no_fact_supports(
    apply: Apply, engine: Engine, store: SqlLearnerStore, fresh_database_url: str
) -> None:
    await publish(fresh_database_url, badge("first", 1), badge("second", 2))
    apply(*history(1, days(0)), *history(2, days(0)))
    live = derived_state(engine)
    invented = (
        "daily_progress SELECT user_id, 'yoga', '2026-01-01', 1, 1, 1, 1",
        "standing SELECT user_id, 'yoga', 1, 1, 1, 1, '{[2026-01-01,2026-01-02)}', '{}'",
        "awarded_badge SELECT user_id, 'second', 1, 1",
    )
    with engine.begin() as connection:
        for each in invented:
            connection.execute(text(f"INSERT INTO stats.{each} FROM stats.learner"))
        connection.execute(text("UPDATE stats.learner SET catalogue_revision = -1"))
    BackfillBadges(store)()
    assert derived_state(engine) == live


def test_work_on_several_is_outdated_when_one_of_them_is(
    apply: Apply, engine: Engine, store: SqlLearnerStore
) -> None:
    apply(*history(1, days(0)), *history(2, days(0)))
    with engine.begin() as connection:
        connection.execute(text("UPDATE stats.learner SET catalogue_revision = -1 WHERE user_id = 2"))
    with store.work_on([1, 2]) as work:
        assert work.outdated
    with store.work_on([1]) as work:
        assert not work.outdated


def test_gaps_show_in_how_far_facts_are_complete(apply: Apply, engine: Engine) -> None:
    facts = history(1, days(0, 1, 2, 3, 4, 5))
    apply(facts[1], facts[3])
    assert applied_through(engine) == 0
    apply(facts[0])
    assert applied_through(engine) == 2
    apply(facts[5])
    assert applied_through(engine) == 2
    apply(facts[4], facts[2])
    assert applied_through(engine) == 6


def test_a_fact_stays_what_it_was_first_told_to_be(apply: Apply, engine: Engine) -> None:
    fact = completion()
    apply(fact)
    state = derived_state(engine)
    for changes in ({"elapsed_seconds": 1}, {"user_id": 2}, {"counts": False}, {"mode": "review"}):
        assert apply(replace(fact, **changes)).rejected == 1
    assert count(engine, "completion") == 1
    assert count(engine, "rejected_event") == 4
    assert apply(replace(fact, mode="review")).rejected == 1
    assert count(engine, "rejected_event") == 4
    assert "learner (1," in state
    assert state in derived_state(engine)


def test_a_fact_comes_back_as_it_was_told_whatever_it_tells(apply: Apply, store: SqlLearnerStore) -> None:
    first, last = datetime(2, 1, 2, 3, 4, 5, 6, UTC), datetime(9998, 12, 30, 23, 59, 59, 999_999, UTC)
    most: dict[str, Any] = {"user_seq": 2**63 - 1, "session_id": 2**63 - 1, "elapsed_seconds": 2**31 - 1}
    facts = [
        completion(start_time=first, end_time=first, local_date=first.date(), content="", mode=""),
        completion(**most, start_time=last, end_time=last, local_date=last.date(), local_minute=1_439),
        completion(event_id=UUID(int=2**128 - 1), content="Übung 🌱 '\"\\{},", mode="NULL", synced=True),
        completion(event_id=UUID(int=0), answer_count=10**6, correct_answer_count=10**6, implausible=True),
    ]
    assert apply(*facts).new == 4
    with store.work_on([fact.user_id for fact in facts]) as work:
        found = work.find({fact.event_id for fact in facts})
    assert found == {fact.event_id: fact for fact in facts}
    assert {each.local_minute for each in found.values()} == {fact.local_minute for fact in facts}


@pytest.mark.parametrize("clash", ["session_id", "user_seq"])
def test_an_event_that_takes_anothers_place_is_refused_and_blocks_nobody(
    apply: Apply, engine: Engine, clash: str
) -> None:
    first, other, usurper = completion(), completion(), completion()
    apply(first)
    usurper = replace(usurper, **{clash: getattr(first, clash)})
    applied = apply(usurper, other)
    assert (applied.new, applied.rejected) == (1, 1)
    assert count(engine, "completion") == 2


@pytest.mark.parametrize("round_", range(3))
def test_one_event_applied_from_many_connections_at_once_counts_once(
    apply: Apply, engine: Engine, round_: int
) -> None:
    fact = completion(user_id=round_ + 1)
    outcomes = at_once([lambda: apply(fact)] * 6)
    assert sum(applied.new for applied in outcomes) == 1
    assert sum(applied.repeated for applied in outcomes) == 5
    assert count(engine, "completion") == 1
    assert "focus,1,1500," in derived_state(engine)


def test_events_of_one_person_applied_at_once_all_count(apply: Apply, engine: Engine) -> None:
    facts = history(1, days(*range(12)))
    outcomes = at_once([lambda fact=fact: apply(fact) for fact in facts])
    assert sum(applied.new for applied in outcomes) == 12
    assert applied_through(engine) == 12
    live = derived_state(engine)
    assert '(1,focus,12,18000,0,0,"{[2026-02-01,2026-02-13)}",{})' in live


def test_events_wait_only_for_the_same_person(engine: Engine, apply: Apply) -> None:
    apply(completion(user_id=1), completion(user_id=2))
    with engine.connect() as busy:
        busy.execute(text("SELECT 1 FROM stats.learner WHERE user_id = 1 FOR UPDATE"))
        assert apply(completion(user_id=2)).new == 1
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(apply, completion(user_id=1))
            wait_for_a_blocked_statement(engine)
            assert not waiting.done()
            busy.rollback()
            assert waiting.result(PATIENCE_SECONDS).new == 1


def test_a_database_that_is_away_postpones_and_recovers() -> None:
    postgres = start_postgres()
    try:
        upgrade("stats_service", postgres.url)
        engine = open_engine(postgres.url, pool_size=2, application="test")
        store = SqlLearnerStore(engine, compile_condition)
        with store.work_on([1]):
            pass
        postgres.kill()
        with pytest.raises(UnavailableError), store.work_on([1]):
            pass
        with pytest.raises(UnavailableError):
            store.outdated(0, 10)
        postgres.restart()
        with store.work_on([1]):
            pass
        engine.dispose()
    finally:
        postgres.stop()


def at_once(calls: list[Apply]) -> list[Applied]:
    """Runs calls in threads that start together."""
    barrier = threading.Barrier(len(calls))

    def run(call: Apply) -> Applied:
        barrier.wait(PATIENCE_SECONDS)
        return call()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


def wait_for_a_blocked_statement(engine: Engine) -> None:
    blocked = text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = :name")
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        eventually(lambda: connection.execute(blocked, {"name": engine.url.database}).scalar_one())
