"""Shards of people are brought to what their facts say, beside live traffic, and none twice at a time."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise
from threading import Barrier
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from sqlalchemy import Engine, create_engine, insert, make_url, select, text
from sqlalchemy.ext.asyncio import AsyncEngine

from service_kit.db.engines import open_async_engine
from service_kit.errors import UnavailableError
from stats_service.adapters.cel.conditions import compile_condition
from stats_service.adapters.db.derived_columns import DerivedColumns
from stats_service.adapters.db.fact_columns import driver_of
from stats_service.adapters.db.learner_store import SqlLearnerStore
from stats_service.adapters.db.recalculation_book import SqlRecalculationBook
from stats_service.adapters.db.recalculation_shards import MOST_ATTEMPTS, SqlShardStore
from stats_service.adapters.db.rows import from_entry
from stats_service.adapters.db.tables import learner, streak_entry
from stats_service.application.derivation import rederive
from stats_service.application.ports.learners import LearnerWork
from stats_service.application.ports.recalculation import Outcome, Recalculation, Scope
from stats_service.application.recalculate_shard import RecalculateShard
from stats_service.application.tend_recalculations import TendRecalculations
from stats_service.domain.completion import Completion
from stats_service.domain.digest import digests
from stats_service.domain.keeping import PauseCancelled
from stats_service.domain.person import Person
from tests.stats_service.adapters.conftest import Apply
from tests.stats_service.adapters.db.badges import badge, publish
from tests.stats_service.adapters.db.dump import derived_state
from tests.stats_service.domain.strategies import histories, persons
from tests.stats_service.facts import completion, history, new_user

DAY = date(2026, 2, 1)
DAYS = [DAY + timedelta(days=number) for number in range(5)]
EVERYBODY = Scope()


@pytest.fixture
async def database(fresh_database_url: str) -> AsyncIterator[AsyncEngine]:
    engine = open_async_engine(fresh_database_url, pool_size=2, application="test")
    yield engine
    await engine.dispose()


@pytest.fixture
def book(database: AsyncEngine) -> SqlRecalculationBook:
    return SqlRecalculationBook(database, completions_per_shard=10)


@pytest.fixture
def shards(engine: Engine) -> SqlShardStore:
    return SqlShardStore(engine, compile_condition)


@pytest.fixture
def run(shards: SqlShardStore, store: SqlLearnerStore) -> RecalculateShard:
    return RecalculateShard(shards, store)


@pytest.fixture
async def practised(fresh_database_url: str, apply: Apply) -> str:
    """Seven people with five days each, badges and all."""
    await publish(fresh_database_url, badge("three", 3), badge("streak", 4, "best_streak", product="all"))
    for user in range(1, 8):
        apply(*history(user, DAYS, product="focus" if user % 2 else "yoga"))
    return fresh_database_url


async def recalculate(
    book: SqlRecalculationBook,
    run: RecalculateShard,
    scope: Scope = EVERYBODY,
    *,
    shadow: bool = False,
    deep: bool = False,
) -> Recalculation:
    """Runs a job from its beginning to its end."""
    job_id, count = await book.open(scope, shadow=shadow, deep=deep)
    for number in range(1, count + 1):
        while run(job_id, number):
            pass
    job = await book.find(job_id)
    assert job is not None
    assert job.finished_at is not None
    return job


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


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("deep", [False, True], ids=["by digest", "by rows"])
async def test_whatever_damage_was_done_to_progress_is_made_good(
    practised: str, book: SqlRecalculationBook, run: RecalculateShard, engine: Engine, damage: str, deep: bool
) -> None:
    right = derived_state(engine)
    with engine.begin() as connection:
        connection.execute(text(damage))
    assert derived_state(engine) != right
    job = await recalculate(book, run, deep=deep)
    assert job.people_wrong in (1, 7)
    assert derived_state(engine) == right
    again = await recalculate(book, run, deep=deep)
    assert (again.people_wrong, again.changed_rows) == (0, 0)


async def test_damage_that_no_trigger_saw_is_found_in_the_rows_themselves(
    practised: str, book: SqlRecalculationBook, run: RecalculateShard, engine: Engine
) -> None:
    right = derived_state(engine)
    with engine.begin() as connection:
        connection.execute(text("SET LOCAL stats.saving = 'on'"))
        connection.execute(text("UPDATE stats.standing SET session_count = 50 WHERE user_id = 3"))
        connection.execute(text("INSERT INTO stats.awarded_badge VALUES (900, 'three', 1, 1)"))
    assert (await recalculate(book, run)).people_wrong == 0
    assert (await recalculate(book, run, deep=True)).people_wrong == 2
    with engine.begin() as connection:
        # Nobody practised under this number; their row is of no consequence.
        connection.execute(text("DELETE FROM stats.learner WHERE user_id = 900"))
    assert derived_state(engine) == right


async def test_a_shadow_tells_what_differs_in_sum_and_for_each_and_changes_nothing(
    practised: str, book: SqlRecalculationBook, run: RecalculateShard, engine: Engine
) -> None:
    with engine.begin() as connection:
        connection.execute(text("UPDATE stats.standing SET session_count = 8 WHERE user_id IN (2, 3)"))
        connection.execute(text("DELETE FROM stats.awarded_badge WHERE user_id = 3 AND badge_id = 'three'"))
    damaged = derived_state(engine)
    job = await recalculate(book, run, shadow=True)
    assert derived_state(engine) == damaged
    assert (job.people_wrong, job.changed_rows) == (2, 0)
    standings, awards = job.summed["standing"], job.summed["awarded_badge"]
    # Each has one for the product and one for all, of five sessions.
    assert (standings.people, standings.changed, standings.missing) == (2, 4, 0)
    assert standings.sums["session_count"] == 4 * 3
    assert (awards.people, awards.missing) == (1, 1)
    second, third = await book.differences(job.job_id, 0, 10)
    assert (second.user_id, second.row_count) == (2, 2)
    assert (third.user_id, third.row_count) == (3, 3)
    row = second.rows[0]
    assert row.stored is not None and row.derived is not None
    assert (row.table, row.stored["session_count"], row.derived["session_count"]) == ("standing", 8, 5)
    assert await book.differences(job.job_id, 2, 10) == [third]


async def test_only_those_are_recalculated_who_are_asked_for(
    practised: str, book: SqlRecalculationBook, run: RecalculateShard, engine: Engine, apply: Apply
) -> None:
    apply(completion(user_id=20, product="design", local_date=DAY + timedelta(days=40)))

    async def people(**scope: object) -> int:
        return (await recalculate(book, run, Scope(**scope))).people  # type: ignore[arg-type]

    assert await people() == 8
    assert await people(user_ids=(2, 5, 6)) == 3
    assert await people(first_user=3, last_user=5) == 3
    assert await people(first_user=6) == 3
    assert await people(product="yoga") == 3
    assert await people(product="yoga", last_user=5) == 2
    assert await people(first_day=DAY + timedelta(days=30)) == 1
    assert await people(first_day=DAYS[-1], last_day=DAYS[-1]) == 7
    assert await people(product="design", last_day=DAYS[-1]) == 0
    assert await people(user_ids=(999,)) == 0


async def test_shards_hold_every_number_once_and_about_as_many_completions(
    database: AsyncEngine, book: SqlRecalculationBook, apply: Apply, engine: Engine
) -> None:
    # One person alone has more than a shard holds.
    for user, count in enumerate([3, 3, 3, 40, 3, 3, 3, 3, 3, 3], start=1):
        apply(*(completion(user_id=user, user_seq=seq) for seq in range(1, count + 1)))
    job_id, count = await book.open(EVERYBODY, shadow=False, deep=False)
    with engine.connect() as connection:
        query = text(
            "SELECT first_user, last_user FROM stats.recalculation_shard WHERE job_id = :job ORDER BY number"
        )
        ranges = [tuple(row) for row in connection.execute(query, {"job": job_id})]
    assert len(ranges) == count
    assert 3 <= count <= 7
    assert (ranges[0][0], ranges[-1][1]) == (1, 2**63 - 1)
    assert all(earlier[1] + 1 == later[0] for earlier, later in pairwise(ranges))
    _, ones = await book.open(Scope(first_user=10**6), shadow=False, deep=False)
    assert ones == 1


class Interrupted:
    """A store of learners that lets something happen before each piece of work."""

    def __init__(self, store: SqlLearnerStore, happening: Iterator[object]) -> None:
        self._store = store
        self._happening = happening

    @contextmanager
    def work_on(self, user_ids: Collection[int]) -> Iterator[LearnerWork]:
        next(self._happening, None)
        with self._store.work_on(user_ids) as work:
            yield work


async def test_what_is_practised_between_the_look_and_the_correction_counts_once(
    practised: str,
    book: SqlRecalculationBook,
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

    run = RecalculateShard(shards, Interrupted(store, live()), chunk_people=1)
    await recalculate(book, run)
    lately = derived_state(engine)
    with engine.begin() as connection:
        connection.execute(
            text("TRUNCATE stats.daily_progress, stats.standing, stats.awarded_badge, stats.learner")
        )
    await recalculate(book, RecalculateShard(shards, store))
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
    book: SqlRecalculationBook,
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
        shards, store, chunk_people=1, budget_seconds=2, monotonic=lambda: float(next(ticks))
    )
    job_id, _ = await SqlRecalculationBook(book._engine).open(EVERYBODY, shadow=False, deep=False)
    rounds = 1
    while run(job_id, 1):
        rounds += 1
    assert rounds == 4
    job = await book.find(job_id)
    assert job is not None
    assert (job.people_wrong, job.people, job.completions) == (7, 7, 35)
    assert derived_state(engine) == right


async def test_nobody_runs_a_shard_that_somebody_runs_or_that_is_done_or_cancelled(
    practised: str, book: SqlRecalculationBook, shards: SqlShardStore, engine: Engine
) -> None:
    job_id, _ = await book.open(EVERYBODY, shadow=False, deep=False)
    other = SqlShardStore(engine, compile_condition)
    with shards.claim(job_id, 1) as claimed, other.claim(job_id, 1) as second, other.claim(job_id, 2) as two:
        assert claimed is not None
        assert second is None
        assert two is not None
    with shards.claim(job_id, 1) as claimed:
        assert claimed is not None
        claimed.conclude(Outcome())
    with shards.claim(job_id, 1) as again:
        assert again is None
    assert await book.cancel(job_id)
    with shards.claim(job_id, 2) as cancelled:
        assert cancelled is None
    assert await book.revive(job_id)
    with shards.claim(job_id, 2) as revived, shards.claim(UUID(int=5), 1) as unknown:
        assert revived is not None
        assert unknown is None


async def test_two_last_shards_that_end_at_once_end_the_job(
    practised: str, book: SqlRecalculationBook, engine: Engine
) -> None:
    job_id, count = await SqlRecalculationBook(book._engine, completions_per_shard=20).open(
        EVERYBODY, shadow=False, deep=False
    )
    assert count == 2
    one, two = (SqlShardStore(engine, compile_condition) for _ in range(2))
    with one.claim(job_id, 1) as first, two.claim(job_id, 2) as second:
        assert first is not None and second is not None
        first.conclude(Outcome())
        second.conclude(Outcome())
    job = await book.find(None)
    assert job is not None
    assert (job.job_id, job.shards_done) == (job_id, 2)
    assert job.finished_at is not None


async def test_shards_whose_message_or_runner_was_lost_are_sent_again_and_no_others(
    practised: str, book: SqlRecalculationBook, shards: SqlShardStore, engine: Engine
) -> None:
    job_id, count = await book.open(EVERYBODY, shadow=False, deep=False)
    sent: list[tuple[UUID, int]] = []
    tend = TendRecalculations(shards, sent.extend, quiet_seconds=60)

    def later(seconds: int) -> None:
        with engine.begin() as connection:
            connection.execute(
                text(
                    "UPDATE stats.recalculation_shard SET sent_at = sent_at - cast(:past AS interval),"
                    " started_at = started_at - cast(:past AS interval)"
                ),
                {"past": timedelta(seconds=seconds)},
            )

    everything = [(job_id, number) for number in range(1, count + 1)]
    assert await book.unsent(job_id, 100) == everything
    tend()
    assert sent == []
    later(30)
    tend()
    assert sent == []
    with shards.claim(job_id, 1) as claimed:
        assert claimed is not None
        later(20)
        # It is being run, however long ago it began.
        tend()
        assert sent == []
    # Its runner is gone without a word.
    tend()
    assert sent == [(job_id, 1)]
    later(61)
    sent.clear()
    tend()
    assert sorted(sent) == everything
    await book.cancel(job_id)
    later(61)
    sent.clear()
    tend()
    assert sent == []


async def test_a_shard_that_never_gets_on_fails_in_the_end_and_can_be_tried_again(
    practised: str, book: SqlRecalculationBook, shards: SqlShardStore, run: RecalculateShard, engine: Engine
) -> None:
    job_id, count = await book.open(EVERYBODY, shadow=False, deep=False)

    class Broken(SqlShardStore):
        def snapshot(self, shard: object) -> object:  # type: ignore[override]
            raise ValueError("cannot be read")

    broken = RecalculateShard(Broken(engine, compile_condition), run._learners)
    for _ in range(MOST_ATTEMPTS):
        with pytest.raises(ValueError, match="cannot be read"):
            broken(job_id, 1)
    for number in range(2, count + 1):
        run(job_id, number)
    TendRecalculations(shards, lambda _: None, quiet_seconds=60)()
    job = await book.find(job_id)
    assert job is not None
    assert (job.shards_failed, job.shards_done) == (1, count - 1)
    assert job.finished_at is not None
    assert job.last_error == "ValueError: cannot be read"
    assert await book.revive(job_id)
    job = await book.find(job_id)
    assert job is not None
    assert job.finished_at is None
    assert await book.unsent(job_id, 10) == [(job_id, 1)]
    run(job_id, 1)
    job = await book.find(job_id)
    assert job is not None
    assert (job.shards_failed, job.shards_done) == (0, count)


@pytest.mark.parametrize(
    ("end", "reason"),
    [(None, "its worker ended"), (UnavailableError("Not now", part="database"), "Not now")],
    ids=["killed", "no database"],
)
async def test_a_shard_that_fails_without_an_error_of_its_own_has_a_reason_too(
    practised: str,
    book: SqlRecalculationBook,
    shards: SqlShardStore,
    store: SqlLearnerStore,
    engine: Engine,
    end: Exception | None,
    reason: str,
) -> None:
    job_id, _ = await book.open(EVERYBODY, shadow=False, deep=False)

    class Ending(SqlShardStore):
        def snapshot(self, shard: object) -> object:  # type: ignore[override]
            assert end is not None
            raise end

    for _ in range(MOST_ATTEMPTS):
        if end is None:
            with shards.claim(job_id, 1):
                """Ends without a word."""
        else:
            with pytest.raises(UnavailableError):
                RecalculateShard(Ending(engine, compile_condition), store)(job_id, 1)
    TendRecalculations(shards, lambda _: None, quiet_seconds=60)()
    job = await book.find(job_id)
    assert job is not None
    assert job.shards_failed == 1
    assert reason in job.last_error


@pytest.mark.parametrize(
    "table", ["completion", "calendar_change", "learner", "daily_progress"], ids="locked {}".format
)
async def test_a_table_that_cannot_be_read_for_a_while_is_an_outage(
    practised: str, book: SqlRecalculationBook, engine: Engine, table: str
) -> None:
    job_id, _ = await book.open(EVERYBODY, shadow=False, deep=True)
    url = make_url(practised).set(drivername="postgresql+psycopg")
    hasty = create_engine(url, connect_args={"options": "-c timezone=UTC -c lock_timeout=50"})
    run = RecalculateShard(SqlShardStore(hasty, compile_condition), SqlLearnerStore(hasty, compile_condition))
    with engine.connect() as holding:
        holding.execute(text(f"LOCK TABLE stats.{table} IN ACCESS EXCLUSIVE MODE"))
        with pytest.raises(UnavailableError):
            run(job_id, 1)
    job = await book.find(job_id)
    assert job is not None
    assert job.last_error == "The database does not answer"
    run(job_id, 1)
    hasty.dispose()


async def test_a_connection_that_is_lost_while_a_shard_is_read_is_an_outage(
    practised: str, book: SqlRecalculationBook, shards: SqlShardStore, engine: Engine
) -> None:
    job_id, _ = await book.open(EVERYBODY, shadow=False, deep=False)
    with shards.claim(job_id, 1) as claimed, pytest.raises(UnavailableError):
        assert claimed is not None
        with shards.snapshot(claimed.shard) as snapshot:
            snapshot.evidence()
            reader = (
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE state = 'idle in transaction'"
            )
            with engine.connect() as another:
                assert another.execute(text(f"{reader} AND datname = current_database()")).all()
            snapshot.evidence()


async def test_whoever_tends_at_the_same_time_sends_nothing_twice(
    practised: str, book: SqlRecalculationBook, engine: Engine
) -> None:
    """As the beats of many machines do."""
    job_id, count = await book.open(EVERYBODY, shadow=False, deep=False)
    sent: list[tuple[UUID, int]] = []
    beats = 6
    together = Barrier(beats)

    def tick() -> None:
        tend = TendRecalculations(SqlShardStore(engine, compile_condition), sent.extend, quiet_seconds=60)
        together.wait()
        tend()
        tend()

    with ThreadPoolExecutor(beats) as threads:
        for ticked in [threads.submit(tick) for _ in range(beats)]:
            ticked.result()
    assert sorted(sent) == [(job_id, number) for number in range(1, count + 1)]


async def test_only_one_process_at_a_time_looks_for_lost_shards(
    shards: SqlShardStore, engine: Engine
) -> None:
    other = SqlShardStore(engine, compile_condition)
    with shards.alone("tend") as first, other.alone("tend") as second, other.alone("another") as third:
        assert (first, second, third) == (True, False, True)
    with other.alone("tend") as freed:
        assert freed


@settings(suppress_health_check=list(HealthCheck))
@given(histories(), persons())
def test_what_was_saved_has_the_digest_of_the_rows_that_are_stored(
    engine: Engine, store: SqlLearnerStore, facts: list[Completion], person: Person
) -> None:
    user = new_user()
    entries = [
        {**from_entry(user, replace(entry, entry_id=uuid4())), "recorded_at": entry.recorded_at}
        for entry in person.entries
        if not isinstance(entry, PauseCancelled)
    ]
    with engine.begin() as connection:
        for entry in entries:
            connection.execute(insert(streak_entry).values(entry))
    with store.work_on([user]) as work:
        if facts:
            work.add([replace(fact, user_id=user, event_id=uuid4(), session_id=new_user()) for fact in facts])
        rederive(work)
        work.commit()
    with engine.connect() as connection:
        rows = DerivedColumns().read(driver_of(connection), f"user_id = {user}")
        saved = connection.execute(select(learner.c.progress_digest).where(learner.c.user_id == user))
        assert (digests(rows)[1].tolist() or [0]) == [saved.scalar_one()]
