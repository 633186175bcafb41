"""What differs is healed by what happened, and nothing else is touched."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any
from uuid import uuid4

import pytest

from service_kit.errors import UnavailableError
from stats_service.application.ports.learners import RefusedError
from stats_service.reconciliation.ports import (
    EventDigest,
    Events,
    ExpectedDigest,
    Fact,
    Finding,
    Request,
    Whom,
)
from stats_service.reconciliation.reconcile import Reconcile
from tests.stats_service.reconciliation.world import ALL, World


@pytest.fixture
def world() -> World:
    return World()


def reconcile(world: World, **options: Any) -> bool:
    clock: Callable[[], float] = options.pop("monotonic", lambda: 0.0)
    given: dict[str, Any] = {"recent_seconds": 0, "nightly_hour": 3, "monotonic": clock, **options}
    parts: Any = (world, world, world, world.correct_facts, world.correct_progress)
    return Reconcile(*parts, **given)()


def test_whoever_is_whole_is_not_looked_at(world: World) -> None:
    for user in range(1, 6):
        world.learner(user)
    world.run()
    assert reconcile(world) is False
    assert (world.found, world.examined, world.runs) == ({}, [], [])
    assert [each[1:] for each in world.done] == [(2, 2), (4, 2), (5, 1), (2**63 - 1, 0)]


def test_what_is_missing_is_noted_and_then_published_again(world: World) -> None:
    ids = world.learner(1)
    world.learner(2)
    for lost in ids[1:]:
        del world.stored[1][lost]
    world.run()
    reconcile(world)
    assert world.found == {1: Finding(republished=tuple(ids[1:]))}
    assert [each for each in world.done if each[0] != "advanced"] == [
        ("noted", 1),
        ("republished", 1, (2, 3)),
    ]
    assert world.spared == {1}


def test_somebody_without_any_fact_is_found(world: World) -> None:
    ids = world.learner(1)
    world.stored.clear()
    world.run()
    reconcile(world)
    assert world.found == {1: Finding(republished=tuple(ids))}


def test_what_is_on_its_way_is_given_time(world: World) -> None:
    ids = world.learner(1)
    world.unsettled[1] = 2
    for late in ids[1:]:
        del world.stored[1][late]
    world.run()
    reconcile(world)
    assert world.found == {}


def test_what_arrives_while_it_is_looked_at_is_not_missing(world: World) -> None:
    ids = world.learner(1)
    late = world.stored[1].pop(ids[1])
    world.run()
    listed = world.list_events

    def arriving(user_id: int) -> Events | None:
        world.stored[1][ids[1]] = late
        return listed(user_id)

    world.list_events = arriving  # type: ignore[method-assign]
    reconcile(world)
    assert (world.examined, world.found) == ([1], {})


def test_what_happens_while_it_is_looked_at_is_not_alien(world: World) -> None:
    world.learner(1)
    world.run()
    new = {uuid4(): EventDigest(4, 99)}
    world.stored[1] |= new
    before = world.digests

    def told_before(request: Request, after: int) -> Sequence[ExpectedDigest]:
        told = before(request, after)
        world.happened[1] |= new
        return told

    world.digests = told_before  # type: ignore[method-assign]
    reconcile(world)
    assert (world.examined, world.found) == ([1], {})


@pytest.mark.parametrize("on_demand", [False, True])
def test_what_was_refused_for_good_is_published_again_only_on_demand(world: World, on_demand: bool) -> None:
    ids = world.learner(1)
    for lost in ids[:2]:
        del world.stored[1][lost]
    world.rejected = {ids[0]}
    world.run(on_demand=on_demand)
    reconcile(world)
    welcome = ids[:2] if on_demand else ids[1:2]
    assert world.found == {1: Finding(republished=tuple(welcome), refused=2 - len(welcome))}
    assert ("republished", 1, (1, 2) if on_demand else (2,)) in world.done


def test_a_fact_that_says_something_else_is_corrected(world: World) -> None:
    ids = world.learner(1)
    right = dict(world.stored[1])
    world.stored[1][ids[1]] = EventDigest(2, 1)
    world.run()
    reconcile(world)
    assert world.found == {1: Finding(corrected=1)}
    assert world.stored[1] == right


def test_a_fact_that_cannot_be_corrected_is_told_and_blocks_nobody(world: World) -> None:
    first, second = world.learner(1), world.learner(2)
    world.stored[1][first[1]] = EventDigest(2, 1)
    del world.stored[2][second[0]]

    def refuse(user_id: int, facts: Sequence[Fact]) -> int:
        raise RefusedError("another fact is in the way")

    world.correct_facts = refuse  # type: ignore[method-assign]
    world.run()
    reconcile(world)
    assert world.found == {1: Finding(refused=1), 2: Finding(republished=(second[0],))}


@pytest.mark.parametrize("request_", [ALL, Request(Whom.USERS, (1, 2, 3))])
def test_facts_that_nobody_knows_of_are_told_and_stay(world: World, request_: Request) -> None:
    world.learner(1)
    world.learner(2)
    world.stored[1][uuid4()] = EventDigest(3, 5)
    world.stored[2][uuid4()] = EventDigest(70, 5)
    world.stored[3] = {uuid4(): EventDigest(1, 5)}
    held = {user: dict(facts) for user, facts in world.stored.items()}
    world.run(request_)
    reconcile(world)
    assert world.found == {user: Finding(orphans=1) for user in (1, 2, 3)}
    assert world.stored == held


def test_people_who_were_erased_on_either_side_are_left_alone(world: World) -> None:
    world.learner(1)
    world.learner(2)
    world.erased_there = {1}
    world.erased_here = {2}
    world.stored[2].clear()
    world.run()
    reconcile(world)
    assert world.found == {}
    assert not [each for each in world.done if each[0] == "republished"]


def test_progress_that_was_put_right_is_told(world: World) -> None:
    world.learner(1)
    world.progress = {1: 7}
    world.run()
    reconcile(world)
    assert world.found == {1: Finding(progress_rows=7)}


def test_a_run_stops_between_people_whose_progress_is_wrong_and_tells_of_each(world: World) -> None:
    world.page = 5
    for user in range(1, 6):
        world.learner(user)
    told = [(1, 7), (3, 1), (4, 2), (5, 3)]
    # Of the second, nothing has to be written.
    world.progress = {2: 0, **dict(told)}
    world.run()
    ticking = itertools.count()
    rounds = 0
    while reconcile(world, budget_seconds=2.5, monotonic=lambda: float(next(ticking))):
        rounds += 1
        assert rounds < 20
    assert rounds > 1
    assert world.found == {
        user: Finding(progress_rows=rows) for user, rows in [(1, 7), (3, 1), (4, 2), (5, 3)]
    }
    # Whatever was put right is told before anything else is.
    assert world.done.index(("advanced", 0, 0)) < world.done.index(("noted", 5))
    assert sum(each[2] for each in world.done if each[0] == "advanced") == 5


def test_people_of_whom_only_facts_are_known_are_looked_at_some_at_a_time(world: World) -> None:
    world.held_page = 2
    world.learner(4)
    for user in (1, 2, 3, 5, 6, 7, 8):
        world.stored[user] = {uuid4(): EventDigest(1, 5)}
    world.run()
    reconcile(world)
    assert sorted(world.found) == [1, 2, 3, 5, 6, 7, 8]
    assert world.looked_among == [(1, 2), (3, 4), (5, 6), (7, 2**63 - 1)]


def test_a_run_goes_on_after_the_last_person_that_it_got_to(world: World) -> None:
    world.page = 4
    lost = {user: world.learner(user)[0] for user in (1, 2, 3, 4)}
    for user, event_id in lost.items():
        del world.stored[user][event_id]
    world.run()
    ticking = itertools.count()
    rounds = 0
    while reconcile(world, budget_seconds=2.5, monotonic=lambda: float(next(ticking))):
        rounds += 1
        assert rounds < 20
    assert rounds > 1
    assert [each[1] for each in world.done if each[0] == "republished"] == [1, 2, 3, 4]
    assert sum(each[2] for each in world.done if each[0] == "advanced") == 4


def test_one_process_is_at_it_at_a_time(world: World) -> None:
    world.learner(1)
    world.run()
    world.free = False
    assert reconcile(world) is False
    assert (world.done, len(world.runs)) == ([], 1)


def test_the_schedule_is_looked_at_unless_there_is_none(world: World) -> None:
    reconcile(world, recent_seconds=0)
    assert world.done == []
    reconcile(world, recent_seconds=600)
    assert world.done == [("due", 600, 3)]


@pytest.mark.parametrize(
    ("failure", "counted"), [(UnavailableError("away", part="session"), False), (ValueError("odd"), True)]
)
def test_an_outage_does_not_count_as_a_failure(world: World, failure: Exception, counted: bool) -> None:
    world.failure = failure
    world.run()
    with pytest.raises(type(failure)):
        reconcile(world)
    assert [each[2] for each in world.done] == [counted]
    assert len(world.runs) == 1
