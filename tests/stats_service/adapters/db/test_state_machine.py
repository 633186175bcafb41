"""Whatever happens in whatever order, what is stored is what a rebuild from the facts makes, to the byte.

Facts come in any order and in batches, twice, forged, of the erased, and in
transactions that die; calendars turn, entries are recorded, badges change. At
moments of Hypothesis's choice everybody is brought up to date and looked at.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import date, datetime
from random import Random
from typing import ClassVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import Engine

from service_kit.errors import UnavailableError
from stats_service.application.backfill import BackfillBadges
from stats_service.application.ingest import rederive
from stats_service.domain.badges import BadgeContent, State
from stats_service.domain.calendar import CalendarChange
from stats_service.domain.completion import Completion
from stats_service.domain.conditions import Condition
from stats_service.domain.protection import Entry, PauseCancelled, PlannedPause
from tests.stats_service.adapters.db.dump import derived_state
from tests.stats_service.adapters.db.stored import (
    audited,
    empty,
    end_those_in_transaction,
    rebuilt,
    stored,
    through,
)
from tests.stats_service.adapters.db.world import Database, Fact, World
from tests.stats_service.domain.conditions import joined, nested
from tests.stats_service.domain.strategies import DAYS, INSTANTS, Bytes, entries, make_change, make_completion

LEARNERS = st.integers(0, 2)
ANY = st.integers(0, 1_000)
# How many facts, and what they are made of.
COUNTS, SEEDS = st.integers(1, 12), st.integers(0, 2**32)
WINDOWS = st.sampled_from([(None, None)]) | st.tuples(st.none() | DAYS, st.none() | DAYS)


def new_facts(count: int, random: Random) -> list[tuple[int, Fact]]:
    """Returns facts, each with the place of the learner it is of."""
    return [
        (random.randrange(3), (change_of if random.random() < 0.2 else completion_of)(random))
        for _ in range(count)
    ]


def completion_of(random: Random) -> Completion:
    calendar = random.choice([("UTC", 0), ("UTC", 0), None])
    return make_completion(Bytes.of(random), 0, calendar)


def change_of(random: Random) -> CalendarChange:
    return make_change(Bytes.of(random), 0)


class DiedError(Exception):
    """A process ended."""


class StoredProgress(RuleBasedStateMachine):
    """What happens to a stats database."""

    database: ClassVar[Database]

    def __init__(self) -> None:
        super().__init__()
        with self.database.engine.begin() as connection:
            empty(connection)
        self.world = World(self.database)

    @initialize(count=COUNTS, seed=SEEDS)
    def there_are_facts(self, count: int, seed: int) -> None:
        self.facts_arrive(2 * count, seed, 0, 0)

    @rule(count=COUNTS, seed=SEEDS, kept=st.integers(0, 2), again=st.integers(0, 2))
    def facts_arrive(self, count: int, seed: int, kept: int, again: int) -> None:
        """Some are kept back for later, and some come again."""
        world, random = self.world, Random(seed)
        world.happen(new_facts(count, random))
        random.shuffle(world.waiting)
        arriving, world.waiting = world.waiting[kept:], world.waiting[:kept]
        old = [fact for known in world.known.values() for fact in known.everything]
        batch = [*arriving, *arriving[:again], *random.sample(old, min(again, len(old)))]
        random.shuffle(batch)
        mine = [fact for fact in arriving if fact.user_id in world.known]
        erased = [fact for fact in batch if fact.user_id not in world.known]

        applied = world.deliver(batch)
        assert (applied.new, applied.rejected) == (len(mine), len(erased))
        assert applied.repeated == len(batch) - len(mine) - len(erased)
        for fact in mine:
            world.known[fact.user_id].take_in(fact)

    @rule(
        count=COUNTS, seed=SEEDS, derived=st.booleans(), killed=st.sampled_from([False, False, False, True])
    )
    def a_transaction_dies(self, count: int, seed: int, derived: bool, killed: bool) -> None:
        """Its facts are still to come: nobody was told that they were taken in."""
        world, database = self.world, self.database
        before = derived_state(database.engine)
        world.happen(new_facts(count, Random(seed)))
        facts = [
            fact for fact in world.waiting if isinstance(fact, Completion) and fact.user_id in world.known
        ]
        with suppress(DiedError, UnavailableError), database.store.work_on(world.learners) as work:
            if facts:
                work.add(facts)
            if derived:
                rederive(work, {fact.local_date for fact in facts})
            if killed:
                end_those_in_transaction(database.engine)
                work.commit()
                raise AssertionError("the connection is gone")
            raise DiedError
        assert derived_state(database.engine) == before

    @rule(index=LEARNERS, which=ANY)
    def a_forgery_comes(self, index: int, which: int) -> None:
        facts = list(self.world.known[self.world.learners[index]].facts.values())
        if facts:
            fact = facts[which % len(facts)]
            applied = self.world.deliver([replace(fact, elapsed_seconds=fact.elapsed_seconds + 1)])
            assert (applied.rejected, applied.new) == (1, 0)

    @rule(index=LEARNERS, entry=entries())
    def an_entry_is_recorded(self, index: int, entry: Entry) -> None:
        world = self.world
        world.record(world.learners[index], replace(entry, entry_id=world.new_id(entry.entry_id)))

    @rule(index=LEARNERS, which=ANY, day=DAYS)
    def a_pause_is_cancelled(self, index: int, which: int, day: date) -> None:
        world, user = self.world, self.world.learners[index]
        pauses = [entry for entry in world.known[user].entries if isinstance(entry, PlannedPause)]
        if pauses:
            pause = pauses[which % len(pauses)]
            cancelled = PauseCancelled(
                entry_id=world.new_id(pause.entry_id),
                recorded_at=pause.recorded_at,
                pause_id=pause.entry_id,
                from_date=day,
            )
            world.record(user, cancelled)

    @rule(
        badge_id=st.sampled_from(["first", "second", "third"]),
        condition=joined() | nested(),
        window=WINDOWS,
        state=st.sampled_from(["active", "active", "locked", "inactive"]),
        until=INSTANTS,
    )
    def a_badge_is_published(
        self,
        badge_id: str,
        condition: Condition,
        window: tuple[date | None, date | None],
        state: State,
        until: datetime,
    ) -> None:
        first, last = window
        if first and last:
            first, last = min(first, last), max(first, last)
        if state == "inactive" and self.world.was_active(badge_id):
            # What was in force is no draft again.
            state = "locked"
        content = BadgeContent(
            badge_id=badge_id,
            name="Badge",
            description="A badge.",
            icon="🌱",
            product="focus",
            condition=condition.text,
            first_day=first,
            last_day=last,
            state=state,
        )
        self.world.publish(content, until)

    @rule(after=st.integers(0, 3), chunk=st.integers(1, 3))
    def a_chunk_is_backfilled(self, after: int, chunk: int) -> None:
        BackfillBadges(self.database.store, chunk=chunk, budget_seconds=-1)(after)

    @precondition(lambda self: any(known.facts for known in self.world.known.values()))
    @rule(index=LEARNERS)
    def somebody_is_erased(self, index: int) -> None:
        """What is still to come of theirs comes in vain."""
        self.world.erase(index)

    @rule(chunk=st.integers(1, 3))
    def everybody_is_brought_up_to_date_and_looked_at(self, chunk: int) -> None:
        engine, store, known = self.database.engine, self.database.store, self.world.known
        assert BackfillBadges(store, chunk=chunk)() is None
        live = derived_state(engine)

        expected = self.world.expected()
        assert stored(engine) == expected
        assert audited(engine) == expected.frozen
        learners = through(engine)
        assert learners == {user: known[user].through for user in learners}
        assert learners.keys() >= {user for user, each in known.items() if each.everything}

        assert rebuilt(engine, store) == live

    def teardown(self) -> None:
        """Looks once more."""
        self.everybody_is_brought_up_to_date_and_looked_at(2)


@pytest.fixture
def database(engine: Engine, fresh_database_url: str) -> Iterator[Database]:
    with Database.opened(engine, fresh_database_url) as database:
        yield database


def run(database: Database, examples: int, steps: int) -> None:
    StoredProgress.database = database
    chosen = settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(StoredProgress, settings=chosen)


def test_stored_progress_is_what_a_rebuild_makes(database: Database) -> None:
    run(database, examples=7, steps=25)


@pytest.mark.long
def test_stored_progress_is_what_a_rebuild_makes_in_long_histories(database: Database) -> None:
    run(database, examples=400, steps=50)
