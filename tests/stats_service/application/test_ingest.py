"""What becomes of a batch when some of its items are bad, with a store in memory."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from typing import Any
from uuid import UUID, uuid4

import pytest

from service_kit.errors import AccountErasedError, UnavailableError
from stats_service.application.ingest import Applied, ApplyCalendarChanges, ApplyCompletions, Delivery
from stats_service.application.ports.learners import RefusedError, Rejection
from stats_service.domain.badges import BadgeCatalogue
from stats_service.domain.calendar import CalendarChange
from stats_service.domain.completion import Completion
from stats_service.domain.derived import Derived, select_learners
from stats_service.domain.facts import Facts, LearnerFacts
from tests.stats_service.facts import calendar_change, completion


class MemoryStore:
    """Facts and progress in dictionaries; fails on the ids and learners it is told to."""

    def __init__(self) -> None:
        self.facts: dict[UUID, Completion] = {}
        self.changes: dict[UUID, CalendarChange] = {}
        self.saves: list[Collection[date] | None] = []
        self.stored: dict[int, Derived] = {}
        self.rejections: list[Rejection] = []
        self.trouble: dict[UUID, Exception] = {}
        self.away = False
        self.outdated_learners: set[int] = set()
        self.erased: set[int] = set()
        self.transactions: list[frozenset[int]] = []
        self.counted: dict[int, int] = {}

    @contextmanager
    def work_on(self, user_ids: Collection[int], facts: Sequence[Completion] = ()) -> Iterator[MemoryWork]:
        if self.away:
            raise UnavailableError("away")
        self.transactions.append(frozenset(user_ids))
        there = frozenset(user_ids) - self.erased
        if not there or (facts and there != frozenset(user_ids)):
            raise AccountErasedError
        work = MemoryWork(self, there)
        work.add(facts)
        yield work

    def session_counts(self, user_ids: Collection[int]) -> Mapping[int, int]:
        if self.away:
            raise UnavailableError("away")
        return {user_id: self.counted[user_id] for user_id in user_ids if user_id in self.counted}

    def reject(self, rejections: Sequence[Rejection]) -> None:
        if self.away:
            raise UnavailableError("away")
        self.rejections += rejections


class MemoryWork:
    """One transaction on learners: what it added is kept at its commit."""

    def __init__(self, store: MemoryStore, user_ids: frozenset[int]) -> None:
        self._store = store
        self.user_ids = user_ids
        self._added: dict[UUID, Completion] = {}
        self._changes: dict[UUID, CalendarChange] = {}
        self._saved: list[tuple[Derived, Collection[date] | None]] = []

    @property
    def outdated(self) -> bool:
        return bool(self.user_ids & self._store.outdated_learners)

    def add(self, facts: Sequence[Completion]) -> set[UUID]:
        for fact in facts:
            if fact.event_id in self._store.trouble:
                raise self._store.trouble[fact.event_id]
        self._added = {fact.event_id: fact for fact in facts if fact.event_id not in self._store.facts}
        return set(self._added)

    @property
    def added(self) -> Collection[UUID]:
        return set(self._added)

    def find(self, event_ids: Collection[UUID]) -> Mapping[UUID, Completion]:
        return {key: self._store.facts[key] for key in event_ids if key in self._store.facts}

    def facts(self) -> Facts:
        every = [*self._store.facts.values(), *self._added.values()]
        return Facts.of(fact for fact in every if fact.user_id in self.user_ids)

    def learners(self) -> Mapping[int, LearnerFacts]:
        return {change.user_id: LearnerFacts([change]) for change in self._changes.values()}

    def catalogue(self) -> BadgeCatalogue:
        return BadgeCatalogue()

    def save(
        self, facts: Facts, derived: Derived, days: Collection[date] | None = None, *, commit: bool = False
    ) -> int:
        self._saved.append((derived, days))
        return 1

    @property
    def applied_through(self) -> Mapping[int, int]:
        return {user_id: 10 * user_id for user_id in self.user_ids} if self._saved else {}

    def add_changes(self, changes: Sequence[CalendarChange]) -> set[UUID]:
        self._changes = {each.event_id: each for each in changes if each.event_id not in self._store.changes}
        return set(self._changes)

    def find_changes(self, event_ids: Collection[UUID]) -> Mapping[UUID, CalendarChange]:
        return {key: self._store.changes[key] for key in event_ids if key in self._store.changes}

    def commit(self) -> None:
        self._store.facts |= self._added
        self._store.changes |= self._changes
        for derived, days in self._saved:
            for user_id in self.user_ids:
                self._store.stored[user_id] = select_learners(derived, [user_id])
            self._store.saves.append(days)


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


def delivery(fact: Completion) -> Delivery[Completion]:
    return Delivery(str(fact.event_id).encode(), fact)


class Announced(dict[int, int]):
    """How far it was told that learners are counted, with the facts committed by then."""

    def __init__(self, store: MemoryStore) -> None:
        self.store = store
        self.committed: list[int] = []

    def __call__(self, places: Mapping[int, int]) -> None:
        self.update(places)
        self.committed.append(len(self.store.facts) + len(self.store.changes))


def outcome(applied: Applied[Any]) -> dict[str, int]:
    """The counts that are not zero."""
    counts = {
        name: getattr(applied, name)
        for name in ("new", "repeated", "rejected", "failed")
        if getattr(applied, name)
    }
    return {**counts, "postponed": len(applied.postponed)} if applied.postponed else counts


def test_what_is_new_is_announced_once_it_is_committed(store: MemoryStore) -> None:
    announced = Announced(store)
    apply = ApplyCompletions(store, announce=announced)
    facts = [completion(user_id=1), completion(user_id=2), completion(user_id=3)]
    store.trouble[facts[1].event_id] = RefusedError("bad")
    apply([*map(delivery, facts)])
    assert (announced, announced.committed) == ({1: 10, 3: 30}, [1, 2])
    apply([delivery(facts[0])])
    assert announced.committed == [1, 2], "who waits for a repeated one has been told"
    change = calendar_change(user_id=4)
    ApplyCalendarChanges(store, announce=announced)([Delivery(b"payload", change)])
    assert (announced, announced.committed) == ({1: 10, 3: 30, 4: 40}, [1, 2, 3])


def test_a_repeated_event_changes_nothing(store: MemoryStore) -> None:
    apply, fact = ApplyCompletions(store), completion()
    assert outcome(apply([delivery(fact), delivery(fact)])) == {"new": 1, "repeated": 1}
    assert outcome(apply([delivery(fact)])) == {"repeated": 1}
    assert store.stored[1].days.sums.sessions.tolist() == [1]
    assert store.saves == [{fact.local_date}], "derived once, and looked at that day alone"


def test_somebody_whose_progress_is_outdated_is_looked_at_as_a_whole(store: MemoryStore) -> None:
    store.outdated_learners.add(1)
    ApplyCompletions(store)([delivery(completion())])
    assert store.saves == [None]


def test_another_content_under_a_known_id_is_refused_for_good(store: MemoryStore) -> None:
    fact = completion()
    forged = completion(event_id=fact.event_id, elapsed_seconds=86_400)
    applied = ApplyCompletions(store)([delivery(fact), delivery(forged)])
    assert outcome(applied) == {"new": 1, "rejected": 1}
    assert [rejection.event_id for rejection in store.rejections] == [fact.event_id]
    assert "differs" in store.rejections[0].reason
    assert store.facts[fact.event_id] == fact


def test_an_unreadable_event_leaves_the_others_alone(store: MemoryStore) -> None:
    rejection = Rejection(uuid4(), "local_date is not a date", b"payload")
    nameless = Rejection(None, "not base64", b"")
    applied = ApplyCompletions(store)(
        [Delivery(b"payload", rejection), delivery(completion()), Delivery(b"", nameless)]
    )
    assert outcome(applied) == {"new": 1, "rejected": 2}
    assert store.rejections == [rejection]


@pytest.mark.parametrize(
    ("trouble", "expected"),
    [
        (RefusedError("too large"), {"new": 2, "rejected": 1}),
        (RuntimeError("a fault of ours"), {"new": 2, "failed": 1}),
    ],
)
def test_an_event_that_fails_leaves_others_of_the_same_person_alone(
    store: MemoryStore, trouble: Exception, expected: dict[str, int]
) -> None:
    facts = [completion(), completion(), completion()]
    store.trouble[facts[1].event_id] = trouble
    assert outcome(ApplyCompletions(store)([*map(delivery, facts)])) == expected
    assert store.facts.keys() == {facts[0].event_id, facts[2].event_id}


def test_an_event_that_fails_leaves_other_people_alone(store: MemoryStore) -> None:
    bad, good = completion(user_id=1), completion(user_id=2)
    store.trouble[bad.event_id] = RuntimeError("a fault of ours")
    assert outcome(ApplyCompletions(store)([delivery(bad), delivery(good)])) == {"new": 1, "failed": 1}


def test_everything_is_postponed_while_the_database_is_away(store: MemoryStore) -> None:
    store.away = True
    deliveries = [
        delivery(completion(user_id=1)),
        Delivery(b"payload", Rejection(uuid4(), "bad", b"payload")),
        delivery(completion(user_id=2)),
    ]
    applied = ApplyCompletions(store)(deliveries)
    assert outcome(applied) == {"postponed": 3}
    assert {each.payload for each in applied.postponed} == {each.payload for each in deliveries}


def test_what_does_not_fit_the_time_is_postponed(store: MemoryStore) -> None:
    ticks = iter([0.0, 1.0, 11.0])
    apply = ApplyCompletions(store, budget_seconds=10.0, monotonic=lambda: next(ticks))
    store.counted = {21: 20_000}
    applied = apply([delivery(completion(user_id=user_id)) for user_id in range(1, 22)])
    assert outcome(applied) == {"new": 20, "postponed": 1}
    # Nor is what could not be taken in together tried apart for longer.
    ticks = iter([0.0, 1.0, 9.0, 11.0, 12.0])
    facts = [completion(user_id=user_id) for user_id in (31, 32, 33)]
    store.trouble[facts[2].event_id] = RuntimeError("a fault of ours")
    assert outcome(apply([*map(delivery, facts)])) == {"new": 1, "postponed": 2}


def test_who_took_all_of_the_time_is_the_last_the_next_time(store: MemoryStore) -> None:
    ticks = iter([0.0, 1.0, 9.0, 11.0])
    apply = ApplyCompletions(store, budget_seconds=10.0, monotonic=lambda: next(ticks))
    held, other = completion(user_id=41), completion(user_id=42)
    store.trouble[held.event_id] = UnavailableError("somebody holds the learner")
    assert apply([delivery(held), delivery(other)]).postponed == [delivery(other), delivery(held)]


def test_events_of_several_people_are_one_transaction(store: MemoryStore) -> None:
    facts = [completion(user_id=user_id) for user_id in (1, 2, 3, 1)]
    assert outcome(ApplyCompletions(store)([*map(delivery, facts)])) == {"new": 4}
    assert store.transactions == [{1, 2, 3}]
    sessions = [store.stored[user_id].days.sums.sessions.sum() for user_id in (1, 2, 3)]
    assert sessions == [2, 1, 1]


def test_people_with_many_sessions_are_held_a_few_at_a_time(store: MemoryStore) -> None:
    store.counted = {1: 9_000, 2: 9_000, 3: 9_000, 4: 500_000}
    facts = [completion(user_id=user_id) for user_id in (1, 2, 3, 4, 5, 6)]
    assert outcome(ApplyCompletions(store)([*map(delivery, facts)])) == {"new": 6}
    assert store.transactions == [{1, 2}, {3}, {4}, {5, 6}]


def test_whoever_cannot_be_taken_in_is_searched_for_by_halves(store: MemoryStore) -> None:
    facts = [completion(user_id=user_id) for user_id in range(1, 101)]
    store.trouble[facts[40].event_id] = RuntimeError("a fault of ours")
    assert outcome(ApplyCompletions(store)([*map(delivery, facts)])) == {"new": 99, "failed": 1}
    assert store.stored.keys() == set(range(1, 101)) - {41}
    assert len(store.transactions) < 20, "the others were not taken in one by one"


def test_of_many_events_of_one_person_the_one_that_fails_is_searched_for_by_halves(
    store: MemoryStore,
) -> None:
    facts = [completion(user_id=1) for _ in range(500)]
    store.trouble[facts[40].event_id] = RefusedError("too large")
    assert outcome(ApplyCompletions(store)([*map(delivery, facts)])) == {"new": 499, "rejected": 1}
    assert len(store.transactions) < 20, "the others were not taken in one by one"


def test_an_erased_person_leaves_the_others_alone(store: MemoryStore) -> None:
    store.erased.add(2)
    facts = [completion(user_id=user_id) for user_id in (1, 2, 3)]
    assert outcome(ApplyCompletions(store)([*map(delivery, facts)])) == {"new": 2, "rejected": 1}
    assert store.rejections == [Rejection(facts[1].event_id, "erased", b"")]
    assert store.facts.keys() == {facts[0].event_id, facts[2].event_id}


def test_a_change_of_calendar_is_kept_once_and_touches_no_day(store: MemoryStore) -> None:
    apply, change = ApplyCalendarChanges(store), calendar_change()
    forged = replace(change, time_zone="Europe/Madrid")
    nameless = Rejection(None, "not base64", b"")
    deliveries: list[Delivery[CalendarChange]] = [
        *(Delivery(b"payload", each) for each in (change, change, forged)),
        Delivery(b"", nameless),
    ]

    assert outcome(apply(deliveries)) == {"new": 1, "repeated": 1, "rejected": 2}
    assert outcome(apply(deliveries[:1])) == {"repeated": 1}
    assert store.changes == {change.event_id: change}
    assert store.saves == [()]
    assert "differs" in store.rejections[0].reason


def test_a_change_of_calendar_is_postponed_while_the_database_is_away(store: MemoryStore) -> None:
    store.away = True
    applied = ApplyCalendarChanges(store)([Delivery(b"payload", calendar_change())])
    assert outcome(applied) == {"postponed": 1}
