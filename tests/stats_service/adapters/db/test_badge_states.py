"""Drafts, locked badges and badges that are opened again; and that nobody has one twice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, text

from service_kit.db.engines import open_async_engine
from service_kit.errors import InvalidStateError
from stats_service.adapters.db.learner_store import SqlLearnerStore
from stats_service.adapters.db.reader import SqlReader
from stats_service.application.backfill import BackfillBadges
from stats_service.application.badge_commands import Loaded
from stats_service.domain.completion import Completion
from tests.stats_service.adapters.db.badges import badge, publish
from tests.stats_service.conftest import Apply
from tests.stats_service.facts import completion, history

DAYS = [date(2026, 2, 1) + timedelta(days=number) for number in range(5)]


@pytest.fixture
async def reader(fresh_database_url: str) -> AsyncIterator[SqlReader]:
    engine = open_async_engine(fresh_database_url, pool_size=2, application="test")
    yield SqlReader(engine)
    await engine.dispose()


class Shelf:
    """Publishes a badge in one state after the other, and brings everybody up to date."""

    def __init__(self, database_url: str, store: SqlLearnerStore) -> None:
        self._database_url = database_url
        self._store = store

    async def put(self, state: Any, threshold: int = 2) -> None:
        await publish(self._database_url, badge("pair", threshold, state=state))
        BackfillBadges(self._store)()


@pytest.fixture
def publication(fresh_database_url: str, store: SqlLearnerStore) -> Shelf:
    return Shelf(fresh_database_url, store)


async def held(reader: SqlReader, user_id: int = 1) -> list[tuple[str, int]]:
    return [(each.award.badge_id, each.award.version) for each in await reader.awards(user_id)]


def today(count: int, user_id: int) -> Sequence[Completion]:
    """Sessions that end after whatever was published until now."""
    now = datetime.now(UTC)
    return [
        completion(user_id=user_id, user_seq=seq, end_time=now + timedelta(seconds=seq))
        for seq in range(1, count + 1)
    ]


async def test_nobody_earns_a_draft(apply: Apply, reader: SqlReader, publication: Shelf) -> None:
    apply(*history(1, DAYS))
    await publication.put("inactive")
    assert await held(reader) == []
    await publication.put("active")
    assert await held(reader) == [("pair", 2)]


async def test_a_locked_badge_stays_and_nobody_earns_it_any_more(
    apply: Apply, reader: SqlReader, publication: Shelf
) -> None:
    await publication.put("active")
    apply(*history(1, DAYS[:2]))
    await publication.put("locked")
    apply(*today(2, user_id=2))
    assert await held(reader, 1) == [("pair", 1)]
    assert await held(reader, 2) == []


async def test_who_practised_before_the_lock_and_is_heard_of_later_has_the_badge(
    apply: Apply, reader: SqlReader, publication: Shelf
) -> None:
    await publication.put("active")
    first, second = history(1, DAYS[:2])
    apply(second)
    await publication.put("locked")
    assert await held(reader) == []
    apply(first)
    assert await held(reader) == [("pair", 1)]


async def test_a_badge_that_is_opened_again_is_earned_by_everybody_who_meets_it(
    apply: Apply, reader: SqlReader, publication: Shelf
) -> None:
    await publication.put("active")
    apply(*history(1, DAYS[:2]))
    await publication.put("locked")
    apply(*today(2, user_id=2))
    await publication.put("active")
    assert await held(reader, 1) == [("pair", 1)], "earned once, by the version that was met first"
    assert await held(reader, 2) == [("pair", 3)]
    apply(*today(3, user_id=3))
    assert await held(reader, 3) == [("pair", 3)]


async def test_a_badge_that_is_locked_from_the_start_is_nobodys(
    apply: Apply, reader: SqlReader, publication: Shelf
) -> None:
    apply(*history(1, DAYS))
    await publication.put("locked")
    assert await held(reader) == []


@pytest.mark.parametrize("between", [(), ("locked",)])
async def test_a_badge_that_was_active_is_no_draft_again(
    fresh_database_url: str, publication: Shelf, between: tuple[str, ...]
) -> None:
    for state in ("inactive", "active", *between):
        await publication.put(state)
    with pytest.raises(InvalidStateError, match="lock it") as refused:
        await publish(fresh_database_url, badge("other", 1), badge("pair", 2, state="inactive"))
    assert (refused.value.reason, refused.value.metadata) == ("BADGE_STATE_INVALID", {"badge_id": "pair"})
    assert await publish(fresh_database_url, badge("other", 1)) == Loaded(1, 0, 0), "all or none"


async def test_a_window_counts_only_its_days_and_streaks_run_on_over_its_borders(
    apply: Apply, reader: SqlReader, fresh_database_url: str
) -> None:
    window: dict[str, Any] = {"first_day": DAYS[1], "last_day": DAYS[3]}
    await publish(
        fresh_database_url,
        badge("three", 3, **window),
        badge("four", 4, **window),
        badge("streak", 4, "best_streak", **window),
        badge("long-streak", 5, "best_streak", **window),
    )
    facts = history(1, DAYS)
    apply(*facts)
    awards = {each.award.badge_id: each.award.session_id for each in await reader.awards(1)}
    assert awards == dict.fromkeys(("three", "streak"), facts[3].session_id)


async def test_completions_at_once_award_a_badge_once(
    apply: Apply, engine: Engine, store: SqlLearnerStore, fresh_database_url: str
) -> None:
    await publish(fresh_database_url, badge("first", 1), badge("fourth", 4))
    facts = history(1, DAYS)
    backfill = BackfillBadges(store)
    await asyncio.gather(
        *(asyncio.to_thread(apply, fact) for fact in facts),
        *(asyncio.to_thread(apply, fact) for fact in reversed(facts)),
        publish(fresh_database_url, badge("first", 1, name="Renamed meanwhile")),
        asyncio.to_thread(backfill),
    )
    backfill()
    with engine.connect() as connection:
        awarded = text("SELECT badge_id, version, user_seq FROM stats.awarded_badge ORDER BY badge_id")
        assert [tuple(row) for row in connection.execute(awarded)] == [("first", 1, 1), ("fourth", 1, 4)]
