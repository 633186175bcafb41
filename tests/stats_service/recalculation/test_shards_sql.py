"""Shards of learners are brought to what their facts say, beside live traffic."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from itertools import pairwise

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.ext.asyncio import AsyncEngine

from stats_service.adapters.db import learner_store
from stats_service.adapters.db.learner_store import SqlLearnerStore
from stats_service.application.ports.learners import LearnerWork
from stats_service.domain.completion import Completion
from stats_service.recalculation import shards as shards_module
from stats_service.recalculation.jobs_sql import SqlJobStore
from stats_service.recalculation.ports import Scope
from stats_service.recalculation.shards import RecalculateShard
from stats_service.recalculation.shards_sql import SqlShardStore
from tests.stats_service.adapters.db.dump import derived_state
from tests.stats_service.conftest import Apply
from tests.stats_service.facts import completion
from tests.stats_service.recalculation.conftest import DAY, DAYS, EVERYBODY, recalculate

DAMAGE = [
    "UPDATE stats.daily_progress SET session_count = session_count + 1 WHERE user_id = 3",
    "DELETE FROM stats.daily_progress WHERE user_id = 3 AND local_date = '2026-02-02'",
    "UPDATE stats.standing SET days = '{[2026-02-01,2026-02-03)}' WHERE user_id = 3",
    "UPDATE stats.standing SET days = '{[2026-02-01,)}' WHERE user_id = 3",
    "UPDATE stats.standing SET frozen = '{2026-02-03}' WHERE user_id = 3",
    "INSERT INTO stats.standing SELECT user_id, 'design', 1, 1, 0, 0, days FROM stats.standing"
    " WHERE user_id = 3 AND product = 'all'",
    "DELETE FROM stats.awarded_badge WHERE user_id = 3",
    "UPDATE stats.awarded_badge SET user_seq = 1 WHERE user_id = 3",
    "TRUNCATE stats.daily_progress",
    "TRUNCATE stats.daily_progress, stats.standing, stats.awarded_badge, stats.learner",
    "UPDATE stats.learner SET time_zone = 'Asia/Tokyo' WHERE user_id = 3",
    "UPDATE stats.learner SET applied_through = 99 WHERE user_id = 3",
    "UPDATE stats.learner SET applied_through = 1 WHERE user_id = 3",
    "DELETE FROM stats.learner WHERE user_id = 3",
]


@pytest.mark.parametrize("many", [0, learner_store.MANY_ROWS], ids=["by copy", "by statement"])
@pytest.mark.parametrize("deep", [False, True], ids=["by digest", "by rows"])
async def test_whatever_damage_was_done_to_progress_is_made_good(
    practised: str,
    jobs: SqlJobStore,
    run: RecalculateShard,
    engine: Engine,
    monkeypatch: pytest.MonkeyPatch,
    deep: bool,
    many: int,
) -> None:
    monkeypatch.setattr(learner_store, "MANY_ROWS", many)
    right = derived_state(engine)
    for damage in DAMAGE:
        with engine.begin() as connection:
            connection.execute(text(damage))
        assert derived_state(engine) != right, damage
        job = await recalculate(jobs, run, deep=deep)
        assert job.learners_wrong in (1, 7), damage
        assert derived_state(engine) == right, damage
        again = await recalculate(jobs, run, deep=deep)
        assert (again.learners_wrong, again.changed_rows) == (0, 0), damage


@pytest.mark.parametrize("many", [0, learner_store.MANY_ROWS], ids=["by copy", "by statement"])
async def test_what_is_written_for_the_first_time_is_counted_and_derived_once(
    practised: str,
    jobs: SqlJobStore,
    run: RecalculateShard,
    engine: Engine,
    monkeypatch: pytest.MonkeyPatch,
    many: int,
) -> None:
    monkeypatch.setattr(learner_store, "MANY_ROWS", many)
    monkeypatch.setattr(shards_module, "derive", None)
    tables = "stats.daily_progress, stats.standing, stats.awarded_badge"
    right = derived_state(engine)
    with engine.begin() as connection:
        counts = [f"(SELECT count(*) FROM {table})" for table in tables.split(", ")]
        rows = connection.execute(text(f"SELECT {' + '.join(counts)}")).scalar_one()
        connection.execute(text(f"TRUNCATE {tables}, stats.learner"))
    job = await recalculate(jobs, run)
    assert derived_state(engine) == right
    assert (job.learners, job.completions) == (7, 7 * len(DAYS))
    assert (job.learners_wrong, job.changed_rows) == (7, rows)


async def test_damage_that_no_trigger_saw_is_found_in_the_rows_themselves(
    practised: str, jobs: SqlJobStore, run: RecalculateShard, engine: Engine
) -> None:
    right = derived_state(engine)
    with engine.begin() as connection:
        connection.execute(text("SET LOCAL stats.saving = 'on'"))
        connection.execute(text("UPDATE stats.standing SET session_count = 50 WHERE user_id = 3"))
        connection.execute(text("INSERT INTO stats.awarded_badge VALUES (900, 'three', 1, 1)"))
    assert (await recalculate(jobs, run)).learners_wrong == 0
    assert (await recalculate(jobs, run, deep=True)).learners_wrong == 2
    with engine.begin() as connection:
        # Nobody practised under this number; their row is of no consequence.
        connection.execute(text("DELETE FROM stats.learner WHERE user_id = 900"))
    assert derived_state(engine) == right


async def test_a_shadow_tells_what_differs_in_sum_and_for_each_and_changes_nothing(
    practised: str, jobs: SqlJobStore, run: RecalculateShard, engine: Engine
) -> None:
    with engine.begin() as connection:
        connection.execute(text("UPDATE stats.standing SET session_count = 8 WHERE user_id IN (2, 3)"))
        connection.execute(text("DELETE FROM stats.awarded_badge WHERE user_id = 3 AND badge_id = 'three'"))
    damaged = derived_state(engine)
    job = await recalculate(jobs, run, shadow=True)
    assert derived_state(engine) == damaged
    assert (job.learners_wrong, job.changed_rows) == (2, 0)
    standings, awards = job.summed["standing"], job.summed["awarded_badge"]
    # Each has one for the product and one for all, of five sessions.
    assert (standings.learners, standings.changed, standings.missing) == (2, 4, 0)
    assert standings.sums["session_count"] == 4 * 3
    assert (awards.learners, awards.missing) == (1, 1)
    second, third = await jobs.differences(job.job_id, 0, 10)
    assert (second.user_id, second.row_count) == (2, 2)
    assert (third.user_id, third.row_count) == (3, 3)
    row = second.rows[0]
    assert row.stored is not None and row.derived is not None
    assert (row.table, row.stored["session_count"], row.derived["session_count"]) == ("standing", 8, 5)
    assert await jobs.differences(job.job_id, 2, 10) == [third]


async def test_only_those_are_recalculated_who_are_asked_for(
    practised: str, jobs: SqlJobStore, run: RecalculateShard, engine: Engine, apply: Apply
) -> None:
    apply(completion(user_id=20, product="design", local_date=DAY + timedelta(days=40)))

    async def learners(**scope: object) -> int:
        return (await recalculate(jobs, run, Scope(**scope))).learners  # type: ignore[arg-type]

    assert await learners() == 8
    assert await learners(user_ids=(2, 5, 6)) == 3
    assert await learners(first_user=3, last_user=5) == 3
    assert await learners(first_user=6) == 3
    assert await learners(product="yoga") == 3
    assert await learners(product="yoga", last_user=5) == 2
    assert await learners(first_day=DAY + timedelta(days=30)) == 1
    assert await learners(first_day=DAYS[-1], last_day=DAYS[-1]) == 7
    assert await learners(product="design", last_day=DAYS[-1]) == 0
    assert await learners(user_ids=(999,)) == 0


async def test_shards_hold_every_number_once_and_about_as_many_completions(
    database: AsyncEngine, jobs: SqlJobStore, apply: Apply, engine: Engine
) -> None:
    # One learner alone has more than a shard holds.
    for user, count in enumerate([3, 3, 3, 40, 3, 3, 3, 3, 3, 3], start=1):
        apply(*(completion(user_id=user, user_seq=seq) for seq in range(1, count + 1)))
    job_id, count = await jobs.open(EVERYBODY, shadow=False, deep=False)
    with engine.connect() as connection:
        query = text(
            "SELECT first_user, last_user FROM stats.recalculation_shard WHERE job_id = :job ORDER BY number"
        )
        ranges = [tuple(row) for row in connection.execute(query, {"job": job_id})]
    assert len(ranges) == count
    assert 3 <= count <= 7
    assert (ranges[0][0], ranges[-1][1]) == (1, 2**63 - 1)
    assert all(earlier[1] + 1 == later[0] for earlier, later in pairwise(ranges))
    _, ones = await jobs.open(Scope(first_user=10**6), shadow=False, deep=False)
    assert ones == 1


class Interrupted:
    """A store of learners that lets something happen before each piece of work."""

    def __init__(self, store: SqlLearnerStore, happening: Iterator[object]) -> None:
        self._store = store
        self._happening = happening

    @contextmanager
    def work_on(self, user_ids: Collection[int], facts: Sequence[Completion] = ()) -> Iterator[LearnerWork]:
        next(self._happening, None)
        with self._store.work_on(user_ids, facts) as work:
            yield work


async def test_what_is_practised_between_the_look_and_the_correction_counts_once(
    practised: str,
    jobs: SqlJobStore,
    shards: SqlShardStore,
    store: SqlLearnerStore,
    apply: Apply,
    engine: Engine,
) -> None:
    with engine.begin() as connection:
        connection.execute(text("UPDATE stats.standing SET session_count = 50 WHERE user_id IN (3, 4)"))

    def live() -> Iterator[object]:
        """New days of one who is wrong and of one who is not."""
        for number in range(10, 20):
            day = DAY + timedelta(days=number)
            yield apply(*(completion(user_id=user, user_seq=number, local_date=day) for user in (3, 5)))

    run = RecalculateShard(shards, Interrupted(store, live()), chunk_learners=1)
    await recalculate(jobs, run)
    lately = derived_state(engine)
    with engine.begin() as connection:
        connection.execute(
            text("TRUNCATE stats.daily_progress, stats.standing, stats.awarded_badge, stats.learner")
        )
    await recalculate(jobs, RecalculateShard(shards, store))
    assert derived_state(engine) == lately
    with engine.connect() as connection:
        counts = connection.execute(
            text(
                "SELECT user_id, session_count FROM stats.standing"
                " WHERE product = 'all' AND user_id IN (3, 5)"
            )
        )
        assert sorted(tuple(row) for row in counts) == [(3, 7), (5, 7)]


async def test_a_shard_that_takes_too_long_goes_on_where_it_was(
    practised: str,
    jobs: SqlJobStore,
    shards: SqlShardStore,
    store: SqlLearnerStore,
    engine: Engine,
) -> None:
    right = derived_state(engine)
    with engine.begin() as connection:
        connection.execute(text("TRUNCATE stats.daily_progress"))
    ticks = iter(range(100))
    # A tick for the beginning and one for each chunk: two chunks at a time.
    run = RecalculateShard(
        shards, store, chunk_learners=1, budget_seconds=2, monotonic=lambda: float(next(ticks))
    )
    job_id, _ = await SqlJobStore(jobs._engine).open(EVERYBODY, shadow=False, deep=False)
    rounds = 1
    while run(job_id, 1):
        rounds += 1
    assert rounds == 4
    job = await jobs.find(job_id)
    assert job is not None
    assert (job.learners_wrong, job.learners, job.completions) == (7, 7, 35)
    assert derived_state(engine) == right
