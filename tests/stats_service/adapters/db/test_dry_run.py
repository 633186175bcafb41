"""A dry run finds whom publishing gives the badge, and leaves no trace."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from service_kit.db.engines import open_engine
from service_kit.errors import InvalidArgumentError
from stats_service.adapters.cel.conditions import compile_condition
from stats_service.adapters.db import population as reading
from stats_service.adapters.db.learner_store import SqlLearnerStore
from stats_service.adapters.db.population import SqlPopulation
from stats_service.adapters.db.tables import metadata
from stats_service.application.backfill import BackfillBadges
from stats_service.application.badge_commands import DryRun, DryRunBadge
from stats_service.domain.badges import BadgeContent
from tests.stats_service.adapters.db.badges import badge, publish
from tests.stats_service.conftest import Apply
from tests.stats_service.facts import completion, history

DAYS = [date(2026, 2, 1) + timedelta(days=number) for number in range(5)]
EVERYBODY = 1_000


@pytest.fixture
def population(fresh_database_url: str) -> Iterator[SqlPopulation]:
    engine = open_engine(fresh_database_url, pool_size=1, application="test-dry-run")
    yield SqlPopulation(engine, compile_condition)
    engine.dispose()


@pytest.fixture
def dry_run(population: SqlPopulation) -> DryRunBadge:
    return DryRunBadge(population, compile_condition, lambda: datetime.now(UTC))


def whole(dry_run: DryRunBadge, tried: BadgeContent, most: int = EVERYBODY) -> DryRun:
    """Goes on, page after page, until nobody is left."""
    found, after = DryRun(), 0
    while True:
        page = dry_run(tried, after_user_id=after, most=most)
        found.earners += page.earners
        found.holders += page.holders
        found.examined += page.examined
        if page.after_user_id is None:
            return found
        assert page.after_user_id > after
        after = page.after_user_id


def held(engine: Engine, badge_id: str, version: int) -> list[tuple[int, datetime]]:
    awards = text(
        "SELECT user_id, end_time FROM stats.awarded_badge JOIN stats.completion USING (user_id, user_seq)"
        " WHERE badge_id = :badge_id AND version = :version ORDER BY user_id"
    )
    with engine.connect() as connection:
        found = connection.execute(awards, {"badge_id": badge_id, "version": version})
        return [(row.user_id, row.end_time) for row in found]


def every_row(engine: Engine) -> list[object]:
    """Every row of the service, with the transaction that wrote it last."""
    with engine.connect() as connection:
        return [
            (table.name, *row)
            for table in metadata.sorted_tables
            for row in connection.execute(text(f"SELECT xmin::text, t::text FROM {table} AS t ORDER BY 2, 1"))
        ]


@pytest.mark.parametrize(
    "condition",
    [
        "focus.sessions >= 3",
        "total.best_streak >= 4 && session.minutes >= 25",
        'session.mode == "review" || total.days >= 5',
        "session.weekday == 1 && session.hour >= 0",
    ],
)
async def test_who_is_found_is_who_gets_it_when_it_is_published(
    apply: Apply,
    store: SqlLearnerStore,
    engine: Engine,
    dry_run: DryRunBadge,
    fresh_database_url: str,
    condition: str,
) -> None:
    for user_id in range(1, 6):
        mode = "review" if user_id == 2 else ""
        apply(*history(user_id, DAYS[:user_id], mode=mode))
    tried = badge("tried", 1, condition=condition)
    found = whole(dry_run, tried)
    await publish(fresh_database_url, tried)
    BackfillBadges(store)()
    given = held(engine, "tried", 1)
    assert 0 < len(given) < 5
    assert [(each.user_id, each.award_time) for each in found.earners] == given
    assert (found.holders, found.examined) == (0, 5)


async def test_as_the_next_version_of_a_badge_it_tells_holders_from_those_who_would_get_it(
    apply: Apply, store: SqlLearnerStore, engine: Engine, dry_run: DryRunBadge, fresh_database_url: str
) -> None:
    await publish(fresh_database_url, badge("regular", 4))
    for user_id in range(1, 6):
        apply(*history(user_id, DAYS[:user_id]))
    easier = badge("regular", 2)
    found = whole(dry_run, easier)
    assert ([each.user_id for each in found.earners], found.holders) == ([2, 3], 2)
    assert whole(dry_run, badge("regular", 50)).holders == 2
    await publish(fresh_database_url, easier)
    BackfillBadges(store)()
    assert [user_id for user_id, _ in held(engine, "regular", 2)] == [2, 3]
    assert [user_id for user_id, _ in held(engine, "regular", 1)] == [4, 5]


def test_a_window_counts_its_own_days_only(apply: Apply, dry_run: DryRunBadge) -> None:
    for user_id in (1, 2):
        apply(*history(user_id, DAYS[: user_id + 2]))
    season = badge("season", 2, first_day=DAYS[2], last_day=DAYS[4])
    assert [each.user_id for each in whole(dry_run, season).earners] == [2]


@pytest.mark.parametrize("state", ["inactive", "locked"])
def test_a_draft_is_tried_as_if_it_were_active(apply: Apply, dry_run: DryRunBadge, state: str) -> None:
    apply(completion(user_id=3))
    draft = replace(badge("draft", 1), state=state)  # type: ignore[arg-type]
    assert [each.user_id for each in whole(dry_run, draft).earners] == [3]


def test_nothing_is_changed_and_nobody_waits(
    apply: Apply, store: SqlLearnerStore, engine: Engine, dry_run: DryRunBadge
) -> None:
    for user_id in (1, 2, 3):
        apply(*history(user_id, DAYS))
    before = every_row(engine)
    with store.work_on([1, 2]):
        # Somebody holds learners' rows and the catalogue; who only reads goes by.
        assert len(whole(dry_run, badge("first", 1)).earners) == 3
    assert every_row(engine) == before


def test_the_database_lets_a_dry_run_write_nothing(engine: Engine) -> None:
    population = SqlPopulation(engine, compile_condition)
    with population._engine.connect() as connection, pytest.raises(DBAPIError, match="read-only"):
        connection.execute(text("DELETE FROM stats.awarded_badge"))


def test_a_page_ends_after_so_many_people_or_so_much_time(
    apply: Apply, population: SqlPopulation, dry_run: DryRunBadge
) -> None:
    for user_id in range(1, 6):
        apply(completion(user_id=user_id))
    first = badge("first", 1)
    page = dry_run(first, most=2)
    assert (page.examined, page.after_user_id) == (2, 2)
    assert [each.user_id for each in whole(dry_run, first, most=2).earners] == [1, 2, 3, 4, 5]
    hurried = DryRunBadge(
        population, compile_condition, lambda: datetime.now(UTC), monotonic=iter([0.0, 9.0]).__next__
    )
    page = hurried(first, most=4)
    assert (page.examined, page.after_user_id) == (4, 4)
    assert dry_run.learners() == 5


def test_people_with_many_facts_are_read_a_few_at_a_time(
    apply: Apply, population: SqlPopulation, monkeypatch: pytest.MonkeyPatch
) -> None:
    for user_id in (1, 2, 3, 4):
        apply(*history(user_id, DAYS[: 5 if user_id == 2 else 2]))
    monkeypatch.setattr(reading, "MOST_FACTS", 4)
    shards: list[list[int]] = []
    while shard := population.shard(shards[-1][-1] if shards else 0, EVERYBODY, frozenset()):
        assert set(shard.facts.user.tolist()) == set(shard.user_ids)
        shards.append(list(shard.user_ids))
    assert shards == [[1, 2], [3, 4]]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"condition": "focus.smiles > 1"}, "condition"),
        ({"first_day": DAYS[2], "last_day": DAYS[1]}, "last_date"),
    ],
)
def test_a_badge_that_cannot_be_earned_is_refused(
    dry_run: DryRunBadge, changes: dict[str, object], field: str
) -> None:
    with pytest.raises(InvalidArgumentError) as refused:
        dry_run(badge("bad", 1, **changes), most=1)
    assert refused.value.metadata["field"] == f"badge_definition.{field}"


async def test_a_completion_that_commits_meanwhile_is_not_half_seen(
    apply: Apply, dry_run: DryRunBadge
) -> None:
    """Facts and the texts they need are read in several statements, as of one moment."""
    apply(completion(user_id=1, mode="review"))
    tried = badge("review", 1, condition='session.mode == "review" && focus.sessions >= 1')

    async def practise() -> None:
        for seq in range(2, 40):
            await asyncio.to_thread(apply, completion(user_id=1, user_seq=seq, mode="review"))

    practising = asyncio.create_task(practise())
    while not practising.done():
        found = await asyncio.to_thread(whole, dry_run, tried)
        assert [each.user_id for each in found.earners] == [1]
    await practising
