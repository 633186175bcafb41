"""Recording what keeps streaks: all or nothing, and never beside the worker."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, date, datetime
from uuid import uuid4

import pytest
from sqlalchemy import Engine, func, select
from sqlalchemy.ext.asyncio import AsyncEngine

from service_kit.call import Call, RequestIdentity
from service_kit.db.engines import open_async_engine
from service_kit.errors import QuotaExceededError, UnavailableError
from stats_service.adapters.db.learner_store import SqlLearnerStore
from stats_service.adapters.db.reader import SqlReader
from stats_service.adapters.db.streaks import open_streak_work
from stats_service.adapters.db.tables import learner, streak_entry
from stats_service.application.backfill import BackfillBadges, CatchUp
from stats_service.application.ingest import rederive
from stats_service.application.streak_commands import BuyFreeze, Recording
from stats_service.domain.protection import FreezeGranted, PlannedPause
from tests.stats_service.adapters.db.badges import Requests
from tests.stats_service.conftest import Apply
from tests.stats_service.facts import history

NOW = datetime(2026, 2, 20, 12, tzinfo=UTC)
TODAY = date(2026, 2, 20)
CALL = Call(user_id=1, request=RequestIdentity("key", "/BuyFreeze", b"digest"))


class NoQueue:
    """A queue that does not answer."""

    async def request(self) -> None:
        raise UnavailableError("The task queue does not answer", part="redis")


@pytest.fixture
async def database(fresh_database_url: str) -> AsyncIterator[AsyncEngine]:
    engine = open_async_engine(fresh_database_url, pool_size=5, application="test")
    yield engine
    await engine.dispose()


def granted() -> FreezeGranted:
    return FreezeGranted(
        entry_id=uuid4(), recorded_at=NOW, product="focus", day=TODAY, source="bought", held_at_most=5
    )


def count(engine: Engine) -> int:
    with engine.connect() as connection:
        return connection.execute(select(func.count()).select_from(streak_entry)).scalar_one()


async def test_who_is_killed_before_the_commit_has_recorded_nothing(
    database: AsyncEngine, engine: Engine, store: SqlLearnerStore, apply: Apply
) -> None:
    apply(*history(1, [TODAY]))

    class KilledError(Exception):
        pass

    with pytest.raises(KilledError):
        async with open_streak_work(database)(1) as work:
            await work.record(granted())
            raise KilledError
    assert count(engine) == 0
    assert store.outdated(0, 10) == []
    # Nothing is left that a retry would stumble over.
    held = await BuyFreeze(Recording(open_streak_work(database), Requests(), lambda: NOW), 2)(CALL, "focus")
    assert (held.held, count(engine)) == (1, 1)


async def test_of_purchases_at_once_as_many_succeed_as_are_allowed(
    database: AsyncEngine, engine: Engine, apply: Apply
) -> None:
    apply(*history(1, [TODAY]))
    buy = BuyFreeze(Recording(open_streak_work(database), Requests(), lambda: NOW), 9, 2)
    calls = [replace(CALL, request=RequestIdentity(str(each), "/BuyFreeze", b"x")) for each in range(8)]
    outcomes = await asyncio.gather(
        *(buy(call, product) for call, product in zip(calls, ("focus", "yoga") * 4, strict=True)),
        return_exceptions=True,
    )
    refused = [each for each in outcomes if isinstance(each, QuotaExceededError)]
    assert (len(refused), count(engine)) == (6, 2)


async def test_a_worker_waits_until_it_is_recorded_and_derives_with_it(
    database: AsyncEngine, engine: Engine, store: SqlLearnerStore, apply: Apply
) -> None:
    apply(*history(1, [TODAY]))

    def derive() -> int:
        with store.work_on([1]) as work:
            entries = len(work.learners()[1].entries)
            rederive(work)
            work.commit()
            return entries

    async with open_streak_work(database)(1) as work:
        await work.record(granted())
        deriving = asyncio.create_task(asyncio.to_thread(derive))
        done, _ = await asyncio.wait([deriving], timeout=0.3)
        assert not done
        await work.commit()
    assert await deriving == 1
    with engine.connect() as connection:
        assert connection.execute(select(learner.c.catalogue_revision)).scalar_one() == 0


async def test_what_is_recorded_counts_though_the_queue_is_away_and_is_caught_up_later(
    database: AsyncEngine, engine: Engine, store: SqlLearnerStore, apply: Apply
) -> None:
    apply(*history(1, [TODAY]))
    requests, reader = Requests(), SqlReader(database)
    catch_up = CatchUp(reader, requests)
    await catch_up()
    assert requests.count == 0
    await BuyFreeze(Recording(open_streak_work(database), NoQueue(), lambda: NOW), 2)(CALL, "focus")
    assert count(engine) == 1
    await catch_up()
    assert requests.count == 1
    BackfillBadges(store)(0)
    await catch_up()
    assert requests.count == 1


async def test_entries_come_back_as_they_were_recorded(database: AsyncEngine) -> None:
    pause = PlannedPause(entry_id=uuid4(), recorded_at=NOW, first=TODAY, last=TODAY)
    async with open_streak_work(database)(1) as work:
        recorded = [await work.record(granted()), await work.record(pause)]
        await work.commit()
    assert await SqlReader(database).entries(1) == recorded
    # The database says when.
    assert recorded[0].recorded_at > NOW
