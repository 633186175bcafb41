"""Facts are compared with what the session service says, in runs that are on record."""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine, text

from service_kit.db.engines import open_async_engine
from stats_service.adapters.cel.conditions import compile_condition
from stats_service.adapters.db.learner_store import SqlLearnerStore
from stats_service.adapters.db.personal_data import open_personal_data
from stats_service.application.ports.learners import RefusedError
from stats_service.recalculation.shards_sql import SqlShardStore
from stats_service.reconciliation.correct import CorrectFacts, CorrectProgress
from stats_service.reconciliation.ports import (
    ExpectedDigest,
    Finding,
    ReconciledLearner,
    Reconciliation,
    Request,
    Whom,
)
from stats_service.reconciliation.sql import SqlRunStore
from stats_service.reconciliation.store import MOST_ATTEMPTS, SqlReconciliationStore
from tests.stats_service.adapters.db.dump import derived_state
from tests.stats_service.conftest import Apply, ApplyChanges
from tests.stats_service.facts import calendar_change, completion, history

DAYS = [date(2026, 2, day) for day in (1, 2, 3)]
EVERYBODY = (1, 2**63 - 1)


@pytest.fixture
def reconciliations(engine: Engine) -> SqlReconciliationStore:
    return SqlReconciliationStore(engine)


class Runs:
    """The server's side, called from where there is no event loop."""

    def __init__(self, url: str) -> None:
        self._url = url

    def open(self, request: Request) -> UUID:
        found: UUID = self._run("open", request)
        return found

    def find(self, run_id: UUID | None = None) -> Reconciliation:
        found: Reconciliation = self._run("find", run_id)
        return found

    def learners(self, run_id: UUID, after: int = 0, limit: int = 100) -> list[ReconciledLearner]:
        return list(self._run("learners", run_id, after, limit))

    def _run(self, method: str, *arguments: Any) -> Any:
        async def run() -> Any:
            engine = open_async_engine(self._url, pool_size=1, application="test")
            try:
                return await getattr(SqlRunStore(engine), method)(*arguments)
            finally:
                await engine.dispose()

        return asyncio.run(run())


@pytest.fixture
def runs(fresh_database_url: str) -> Runs:
    return Runs(fresh_database_url)


def execute(engine: Engine, statement: str, **values: Any) -> None:
    with engine.begin() as connection:
        connection.execute(text(statement), values)


def through(user_id: int, settled: int) -> ExpectedDigest:
    return ExpectedDigest(user_id, settled, settled, 0, 0)


def test_a_digest_is_of_a_persons_facts_up_to_a_place_whatever_order_they_came_in(
    apply: Apply, apply_changes: ApplyChanges, engine: Engine, reconciliations: SqlReconciliationStore
) -> None:
    facts = history(1, DAYS)
    moved = calendar_change(user_id=1, user_seq=4)
    apply(facts[2])
    apply_changes(moved)
    apply(facts[0], facts[1], *history(2, DAYS[:1]))
    (one,) = reconciliations.read_digests([through(1, 4)], None)
    known = reconciliations.facts(1)
    digests = {seq: each.digest for each in known.values() for seq in [each.user_seq]}
    assert known.keys() == {moved.event_id, *(fact.event_id for fact in facts)}
    assert (one.user_id, one.last_seq, one.count) == (1, 4, 4)
    assert one.digest == digests[1] ^ digests[2] ^ digests[3] ^ digests[4]

    (part,) = reconciliations.read_digests([through(1, 2)], None)
    assert (part.last_seq, part.count, part.digest) == (4, 2, digests[1] ^ digests[2])
    # Of others in the range, there is only that they are there.
    both = {each.user_id: each for each in reconciliations.read_digests([through(1, 4)], EVERYBODY)}
    assert (both[1], both[2].last_seq, both[2].count) == (one, 1, 0)
    assert reconciliations.read_digests([], None) == []

    for name in ("elapsed_seconds", "answer_count"):
        execute(engine, f"UPDATE stats.completion SET {name} = {name} + 1 WHERE user_id = 1 AND user_seq = 1")
        (other,) = reconciliations.read_digests([through(1, 4)], None)
        assert other.digest != one.digest


def test_those_are_doubtful_whose_progress_was_changed_otherwise(
    apply: Apply, engine: Engine, reconciliations: SqlReconciliationStore
) -> None:
    apply(*(fact for user in (1, 2, 3, 4) for fact in history(user, DAYS)))
    assert reconciliations.find_doubtful([], EVERYBODY) == []
    execute(engine, "UPDATE stats.daily_progress SET session_count = 9 WHERE user_id = 2")
    execute(engine, "DELETE FROM stats.learner WHERE user_id = 3")
    assert reconciliations.find_doubtful([], EVERYBODY) == [2, 3]
    assert reconciliations.find_doubtful([], (3, 4)) == [3]
    assert reconciliations.find_doubtful([1, 2], None) == [2]


@pytest.mark.parametrize("deep", [False, True])
def test_progress_is_made_what_the_facts_say(
    apply: Apply, engine: Engine, store: SqlLearnerStore, reconciliations: SqlReconciliationStore, deep: bool
) -> None:
    apply(*(fact for user in (1, 2, 3) for fact in history(user, DAYS)))
    right = derived_state(engine)
    execute(engine, "INSERT INTO stats.daily_progress VALUES (1, 'yoga', '2026-01-01', 1, 1, 1, 1)")
    with engine.begin() as connection:
        # As a fault of the service would: nobody is told.
        connection.execute(text("SELECT set_config('stats.saving', 'on', true)"))
        connection.execute(text("UPDATE stats.standing SET session_count = 7 WHERE user_id = 2"))
    correct = CorrectProgress(reconciliations, store, SqlShardStore(engine, compile_condition))

    corrected = correct([1, 2, 3], None, deep=deep, but={3})
    assert dict(corrected) == ({1: 1, 2: 2} if deep else {1: 1})
    assert (derived_state(engine) == right) is deep
    assert list(correct([], EVERYBODY, deep=deep, but=())) == []


def test_a_fact_that_says_something_else_is_made_what_its_event_says(
    apply: Apply, apply_changes: ApplyChanges, engine: Engine, store: SqlLearnerStore
) -> None:
    facts, moved = history(1, DAYS), calendar_change(user_id=1, user_seq=4)
    apply(*facts)
    apply_changes(moved)
    right = derived_state(engine)
    execute(engine, "UPDATE stats.completion SET elapsed_seconds = 1, counts = false WHERE user_seq = 2")
    execute(engine, "UPDATE stats.calendar_change SET time_zone = 'Mars/Olympus'")
    correct = CorrectFacts(store)
    with store.work_on([1]) as work:
        stored = work.find([facts[1].event_id])[facts[1].event_id]
    told = [facts[0], replace(facts[1], local_minute=stored.local_minute), moved]

    assert correct(1, told) == 2
    assert correct(1, told) == 0
    assert derived_state(engine) == right

    usurper = completion(user_id=1, user_seq=2)
    execute(
        engine,
        "UPDATE stats.completion SET user_seq = 9 WHERE event_id = :id",
        id=str(facts[1].event_id),
    )
    apply(usurper)
    with pytest.raises(RefusedError, match="another fact is in the way"):
        correct(1, told)


def test_runs_are_due_at_night_and_often_and_one_after_the_other(
    engine: Engine, reconciliations: SqlReconciliationStore
) -> None:
    def due() -> list[tuple[str, bool]]:
        reconciliations.start_due(recent_seconds=600, nightly_hour=3)
        started = []
        while run := reconciliations.next_run():
            started.append((run.request.whom.value, run.request.deep))
            reconciliations.finish(run.run_id)
        return started

    assert due() == [("all", True)]
    assert due() == []
    execute(engine, "UPDATE stats.reconciliation SET created_at = created_at - interval '11 minutes'")
    before_three = "date_trunc('day', now() - interval '3 hours') + interval '3 hours'"
    execute(engine, f"UPDATE stats.reconciliation SET created_at = greatest(created_at, {before_three})")
    assert due() in ([("recent", False)], [])
    execute(engine, f"UPDATE stats.reconciliation SET created_at = {before_three} - interval '1 second'")
    assert due() == [("all", True)]


def test_who_is_waited_for_comes_first_and_the_same_is_asked_for_once(
    reconciliations: SqlReconciliationStore, runs: Runs
) -> None:
    reconciliations.start_due(recent_seconds=600, nightly_hour=3)
    everybody = Request(Whom.ALL)
    named = Request(Whom.USERS, (4, 5), settle=timedelta(0))
    asked = runs.open(everybody)
    assert runs.open(everybody) == asked
    assert runs.open(replace(everybody, deep=True)) != asked
    learners = runs.open(named)

    first = reconciliations.next_run()
    assert first is not None
    assert (first.run_id, first.request, first.on_demand, first.position) == (learners, named, True, 0)
    reconciliations.advance(learners, 4, 1)
    again = reconciliations.next_run()
    assert again is not None and (again.run_id, again.position) == (learners, 4)
    reconciliations.finish(learners)
    second = reconciliations.next_run()
    assert second is not None and second.run_id == asked
    assert (runs.find(learners).compared, runs.find(learners).learners) == (1, 2)
    assert runs.open(named) != learners


def test_a_run_that_fails_again_and_again_ends_and_an_outage_ends_none(
    reconciliations: SqlReconciliationStore, runs: Runs
) -> None:
    run_id = runs.open(Request(Whom.ALL))
    for counted in [False] * 20 + [True] * MOST_ATTEMPTS:
        assert reconciliations.next_run() is not None
        reconciliations.fail(run_id, "out of order", counted=counted)
    assert reconciliations.next_run() is None
    assert runs.find(run_id).finished_at is not None
    assert runs.find(run_id).last_error == "out of order"


def test_a_run_whose_worker_ends_again_and_again_does_not_pass_for_one_that_is_done(
    reconciliations: SqlReconciliationStore, runs: Runs
) -> None:
    run_id = runs.open(Request(Whom.ALL))
    for _ in range(MOST_ATTEMPTS):
        assert reconciliations.next_run() is not None
    assert reconciliations.next_run() is None
    assert runs.find(run_id).finished_at is not None
    assert "its worker ended" in runs.find(run_id).last_error


def test_a_page_ends_where_too_many_people_are(apply: Apply, engine: Engine) -> None:
    for user in (3, 5, 6, 9):
        apply(*history(user, DAYS))
    pages = SqlReconciliationStore(engine, most_learners=2)
    assert pages.end_of_page(0, 2**63 - 1) == 5
    assert pages.end_of_page(5, 2**63 - 1) == 2**63 - 1
    assert pages.end_of_page(0, 5) == 5
    assert pages.end_of_page(3, 8) == 8


def test_what_was_healed_is_whole_once_it_has_arrived(
    apply: Apply, engine: Engine, reconciliations: SqlReconciliationStore, runs: Runs
) -> None:
    facts = history(1, DAYS)
    ids = [fact.event_id for fact in facts]
    run_id = runs.open(Request(Whom.ALL))
    assert reconciliations.note(run_id, 1, Finding((ids[0],), corrected=1))
    assert reconciliations.note(run_id, 1, Finding((ids[0], ids[1]), progress_rows=2))
    assert reconciliations.note(run_id, 2, Finding(orphans=1, refused=1))
    apply(facts[0])
    one, two = runs.learners(run_id)
    assert (one.counts.republished, one.counts.arrived, one.whole) == (2, 1, False)
    assert (one.counts.corrected, one.counts.progress_rows) == (1, 2)
    assert (two.counts.orphans, two.counts.refused, two.whole) == (1, 1, False)
    assert runs.learners(run_id, after=1, limit=1) == [two]

    apply(facts[1])
    assert runs.learners(run_id, limit=1)[0].whole
    told = runs.find(run_id)
    assert (told.different, told.whole, told.counts.republished, told.counts.arrived) == (2, 1, 2, 2)
    # The next run that begins takes note.
    reconciliations.next_run()
    with engine.connect() as connection:
        whole = connection.execute(
            text("SELECT user_id FROM stats.reconciliation_learner WHERE whole_at IS NOT NULL")
        )
        assert whole.scalars().all() == [1]


async def test_nothing_is_noted_of_the_erased(engine: Engine, fresh_database_url: str) -> None:
    reading = open_async_engine(fresh_database_url, pool_size=1, application="test")
    run_id = await SqlRunStore(reading).open(Request(Whom.ALL))
    store = SqlReconciliationStore(engine)
    assert store.note(run_id, 1, Finding(orphans=1))
    await open_personal_data(reading).erase(1, str(uuid.uuid4()))
    assert not store.note(run_id, 1, Finding(orphans=1))
    assert await SqlRunStore(reading).learners(run_id, 0, 10) == []
    await reading.dispose()
