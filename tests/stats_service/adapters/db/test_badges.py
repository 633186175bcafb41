"""Publishing badge definitions, and giving badges to learners who met them before."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.ext.asyncio import AsyncEngine

from service_kit.db.engines import open_async_engine
from service_kit.errors import InvalidArgumentError, UnavailableError
from stats_service.adapters.cel.conditions import compile_condition
from stats_service.adapters.db.badges import open_badge_publication
from stats_service.adapters.db.learner_store import SqlLearnerStore
from stats_service.adapters.db.reader import SqlReader
from stats_service.application.backfill import BackfillBadges
from stats_service.application.badge_commands import LoadBadgeDefinitions, Loaded
from stats_service.application.ingest import rederive
from tests.stats_service.adapters.db.badges import Requests, badge, publish
from tests.stats_service.conftest import Apply
from tests.stats_service.facts import completion, history
from tests.waiting import eventually

DAYS = [date(2026, 2, 1) + timedelta(days=number) for number in range(5)]


@pytest.fixture
async def reading(fresh_database_url: str) -> AsyncIterator[AsyncEngine]:
    engine = open_async_engine(fresh_database_url, pool_size=2, application="test")
    yield engine
    await engine.dispose()


@pytest.fixture
def reader(reading: AsyncEngine) -> SqlReader:
    return SqlReader(reading)


async def held(reader: SqlReader, user_id: int = 1) -> list[tuple[str, int, datetime]]:
    awards = await reader.awards(user_id)
    return [(each.award.badge_id, each.award.version, each.award.award_time) for each in awards]


async def test_loading_again_changes_nothing(fresh_database_url: str) -> None:
    first, second = badge("first", 1), badge("second", 2)
    assert await publish(fresh_database_url, first, second) == Loaded(2, 0, 0)
    assert await publish(fresh_database_url, second, first) == Loaded(0, 0, 2)
    assert await publish(fresh_database_url, first, badge("second", 3), badge("third", 3)) == Loaded(1, 1, 1)


async def test_a_badge_is_given_by_the_completion_that_meets_it(
    apply: Apply, reader: SqlReader, fresh_database_url: str
) -> None:
    await publish(fresh_database_url, badge("two", 2), badge("three", 3), badge("ten", 10))
    facts = history(1, DAYS)
    apply(*facts[:2])
    assert await held(reader) == [("two", 1, facts[1].end_time)]
    apply(*facts[2:])
    assert await held(reader) == [("three", 1, facts[2].end_time), ("two", 1, facts[1].end_time)]
    awarded = (await reader.awards(1, product="focus"))[0]
    assert awarded.award.session_id == facts[2].session_id
    assert await reader.awards(1, product="yoga") == []


async def test_a_new_definition_is_given_silently_to_who_meets_it_already(
    apply: Apply, store: SqlLearnerStore, reader: SqlReader, fresh_database_url: str
) -> None:
    learners = {user_id: history(user_id, DAYS[:user_id]) for user_id in (1, 2, 3, 4)}
    for facts in learners.values():
        apply(*facts)
    requests = Requests()
    await publish(fresh_database_url, badge("two", 2), requests=requests)
    assert requests.count == 1
    assert BackfillBadges(store, chunk=3)() is None
    assert await held(reader, 1) == []
    for user_id in (2, 3, 4):
        assert await held(reader, user_id) == [("two", 1, learners[user_id][1].end_time)]


async def test_a_backfill_goes_on_where_it_stopped_and_is_asked_for_until_it_is_done(
    apply: Apply, store: SqlLearnerStore, reader: SqlReader, fresh_database_url: str
) -> None:
    for user_id in (1, 2, 3):
        apply(completion(user_id=user_id))
    await publish(fresh_database_url, badge("first", 1))
    ticks = iter([0.0, 6.0])
    backfill = BackfillBadges(store, chunk=1, budget_seconds=5.0, monotonic=lambda: next(ticks))
    assert backfill() == 1
    assert [len(await held(reader, user_id)) for user_id in (1, 2, 3)] == [1, 0, 0]
    # Its next message is lost; loading the same definitions asks again.
    requests = Requests()
    assert await publish(fresh_database_url, badge("first", 1), requests=requests) == Loaded(0, 0, 1)
    assert requests.count == 1
    assert BackfillBadges(store)() is None
    assert [len(await held(reader, user_id)) for user_id in (1, 2, 3)] == [1, 1, 1]
    await publish(fresh_database_url, badge("first", 1), requests=requests)
    assert requests.count == 1


async def test_who_practises_before_the_backfill_comes_by_is_brought_up_to_date(
    apply: Apply, store: SqlLearnerStore, reader: SqlReader, fresh_database_url: str
) -> None:
    facts = history(1, DAYS)
    apply(*facts[:3])
    await publish(fresh_database_url, badge("two", 2))
    apply(facts[3])
    assert await held(reader) == [("two", 1, facts[1].end_time)]
    assert store.outdated(0, 10) == []


async def test_a_session_told_late_takes_back_what_only_its_absence_gave(
    apply: Apply, reader: SqlReader, fresh_database_url: str
) -> None:
    first = 'focus.sessions == 1 && session.mode == "review"'
    await publish(fresh_database_url, badge("begun-with-a-review", 1, condition=first))
    facts = [*history(1, DAYS[:1]), completion(user_seq=2, local_date=DAYS[1], mode="review")]
    apply(facts[1])
    assert await held(reader) == [("begun-with-a-review", 1, facts[1].end_time)]
    apply(facts[0])
    assert await held(reader) == []


async def test_a_harder_version_takes_no_badge_away(
    apply: Apply, store: SqlLearnerStore, reader: SqlReader, fresh_database_url: str
) -> None:
    await publish(fresh_database_url, badge("regular", 2))
    facts = history(1, DAYS[:2])
    apply(*facts)
    apply(completion(user_id=2))
    before = await held(reader)
    await publish(fresh_database_url, badge("regular", 50, description="Reach 50."))
    BackfillBadges(store)()
    assert await held(reader) == before
    awarded = (await reader.awards(1))[0]
    assert (awarded.badge.condition, awarded.badge.description) == (
        "focus.sessions >= 2",
        "Reach 2 sessions.",
    )
    later = datetime.now(UTC) + timedelta(minutes=5)
    apply(completion(user_id=2, end_time=later))
    assert await held(reader, 2) == []


@pytest.mark.parametrize("change", [{"threshold": 50}, {"threshold": 1, "state": "locked"}])
async def test_a_phone_whose_clock_is_ahead_keeps_the_badge_it_was_given(
    apply: Apply,
    store: SqlLearnerStore,
    reader: SqlReader,
    fresh_database_url: str,
    change: dict[str, Any],
) -> None:
    """Its session ends in the future, after its badge was replaced."""
    await publish(fresh_database_url, badge("regular", 1))
    apply(completion(end_time=datetime.now(UTC) + timedelta(minutes=55)))
    before = await held(reader)
    assert len(before) == 1
    await publish(fresh_database_url, badge("regular", **change))
    BackfillBadges(store)()
    assert await held(reader) == before


async def test_a_corrected_text_reaches_who_has_the_badge(
    apply: Apply, store: SqlLearnerStore, reader: SqlReader, fresh_database_url: str
) -> None:
    await publish(fresh_database_url, badge("first", 1, name="Frist"))
    apply(completion())
    await publish(fresh_database_url, badge("first", 1, name="First"))
    BackfillBadges(store)()
    awarded = (await reader.awards(1))[0]
    assert (awarded.badge.name, awarded.award.version) == ("First", 1)


async def test_publishing_waits_for_completions_under_way_so_that_nobody_is_missed(
    engine: Engine, store: SqlLearnerStore, reader: SqlReader, fresh_database_url: str
) -> None:
    """A learner's very first completion, still uncommitted, is invisible to a backfill."""
    with store.work_on([7]) as work:
        publishing = asyncio.create_task(publish(fresh_database_url, badge("first", 1)))
        fact = completion(user_id=7)
        work.add([fact])
        await asyncio.to_thread(wait_until_somebody_waits, engine)
        assert not publishing.done()
        rederive(work, {fact.local_date})
        work.commit()
    assert await publishing == Loaded(1, 0, 0)
    assert BackfillBadges(store)() is None
    assert await held(reader, 7) == [("first", 1, fact.end_time)]


async def test_loading_all_or_none(fresh_database_url: str, reading: AsyncEngine) -> None:
    with pytest.raises(InvalidArgumentError, match="condition"):
        await publish(fresh_database_url, badge("good", 1), badge("bad", 1, "smiles"))
    assert await publish(fresh_database_url, badge("good", 1)) == Loaded(1, 0, 0)


async def test_definitions_are_in_force_even_if_the_backfill_cannot_be_asked_for(
    apply: Apply, reading: AsyncEngine, fresh_database_url: str
) -> None:
    class Away:
        async def request(self) -> None:
            raise UnavailableError("away", part="redis")

    apply(completion())
    load = LoadBadgeDefinitions(open_badge_publication(reading), Away(), compile_condition)
    with pytest.raises(UnavailableError):
        await load([badge("first", 1)])
    requests = Requests()
    assert await publish(fresh_database_url, badge("first", 1), requests=requests) == Loaded(0, 0, 1)
    assert requests.count == 1


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"badge_id": "Capital"}, "badge_id"),
        ({"badge_id": ""}, "badge_id"),
        ({"name": ""}, "name"),
        ({"description": "x" * 501}, "description"),
        ({"icon": "\0"}, "icon"),
        ({"product": ""}, "product"),
        ({"condition": ""}, "condition"),
        ({"condition": "focus.smiles > 1"}, "condition"),
        ({"first_day": DAYS[1], "last_day": DAYS[0]}, "last_date"),
    ],
)
async def test_a_badge_that_cannot_be_shown_or_earned_is_refused(
    fresh_database_url: str, changes: dict[str, object], field: str
) -> None:
    with pytest.raises(InvalidArgumentError) as refused:
        await publish(fresh_database_url, badge(**{"badge_id": "fine", "threshold": 1, **changes}))  # type: ignore[arg-type]
    assert refused.value.metadata["field"] == f"badge_definitions.{field}"


async def test_a_badge_given_twice_in_one_load_is_refused(fresh_database_url: str) -> None:
    with pytest.raises(InvalidArgumentError, match="twice"):
        await publish(fresh_database_url, badge("same", 1), badge("same", 2))


def wait_until_somebody_waits(engine: Engine) -> None:
    blocked = text(
        "SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database"
        " WHERE l.locktype = 'advisory' AND NOT l.granted AND d.datname = current_database()"
    )
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        eventually(lambda: connection.execute(blocked).scalar_one())
