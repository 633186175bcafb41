"""The service's streaks against the oracle's, over made-up histories in every zone there is.

The suite compares 3,200, some of each zone; `make test-long` compares 2,000,000 more.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from itertools import islice

import pytest

from stats_service.domain.completion import ALL_PRODUCTS
from stats_service.domain.protection import (
    FreezeGranted,
    PauseCancelled,
    PlannedPause,
    Repaired,
    RestDays,
)
from tests.stats_service.oracle import oracle
from tests.stats_service.oracle.comparing import agree_on, smallest, told
from tests.stats_service.oracle.families import FAMILIES
from tests.stats_service.oracle.histories import History, history
from tests.stats_service.oracle.ingredients import PLACES
from tests.stats_service.oracle.oracle import Answer

# Of so many histories, so few at least are decided by what a test leaves out.
LOOKED_AT, DECIDED = 1_000, 6
Ask = Callable[[History, str], Answer]
SHARDS, SHARD = 1, 3_200
LONG_SHARDS, LONG_SHARD = 40, 50_000


@pytest.mark.parametrize("shard", range(SHARDS))
def test_streaks_equal_the_oracle_in_every_zone(shard: int) -> None:
    first = shard * SHARD
    assert agree_on(range(first, first + SHARD)) == set(PLACES)


@pytest.mark.long
@pytest.mark.parametrize("shard", range(LONG_SHARDS))
def test_streaks_equal_the_oracle_in_many_more_histories(shard: int) -> None:
    first = SHARDS * SHARD + shard * LONG_SHARD
    assert agree_on(range(first, first + LONG_SHARD)) == set(PLACES)


def test_every_family_comes_up() -> None:
    families = Counter(history(seed).family for seed in range(1_000))
    assert set(families) == {family.name for family in FAMILIES}
    assert min(families.values()) >= 10


@cache
def _answered(seed: int) -> tuple[History, Answer]:
    """A history and the oracle's answer to it as it is."""
    story = history(seed)
    return story, told(story, ALL_PRODUCTS)


def _decides_many(change: Callable[[History], History], ask: Ask = told) -> bool:
    """Tells whether so many histories have another answer when they are changed, and looks no further."""
    others = (
        seed
        for seed in range(LOOKED_AT)
        if _answered(seed)[1] != ask(change(_answered(seed)[0]), ALL_PRODUCTS)
    )
    return len(list(islice(others, DECIDED))) == DECIDED


def _without_entries(*kinds: type) -> Callable[[History], History]:
    def drop(story: History) -> History:
        return replace(story, entries=[entry for entry in story.entries if not isinstance(entry, kinds)])

    return drop


def _without_changes(story: History) -> History:
    return replace(story, changes=[])


def _without_sign_up(story: History) -> History:
    return replace(story, sign_up_time=None)


def _as_if_all_counted(story: History) -> History:
    return replace(story, facts=[replace(fact, counts=True) for fact in story.facts])


def _as_if_all_were_online(story: History) -> History:
    return replace(story, facts=[replace(fact, synced=False) for fact in story.facts])


@pytest.mark.parametrize(
    "without",
    [
        _without_entries(RestDays),
        _without_entries(PlannedPause),
        _without_entries(PauseCancelled),
        _without_entries(FreezeGranted),
        _without_entries(Repaired),
        _without_changes,
        _without_sign_up,
        _as_if_all_counted,
        _as_if_all_were_online,
    ],
    ids=["rest", "pauses", "cancelled", "freezes", "repairs", "changes", "sign-up", "counts", "synced"],
)
def test_every_kind_of_fact_decides_many_histories(without: Callable[[History], History]) -> None:
    assert _decides_many(without)


def test_the_shortest_day_decides_many_histories(monkeypatch: pytest.MonkeyPatch) -> None:
    def without_shortest_day(story: History, product: str) -> Answer:
        with monkeypatch.context() as patch:
            patch.setattr(oracle, "SHORTEST_DAY", 0)
            return told(story, product)

    assert _decides_many(lambda story: story, without_shortest_day)


@pytest.mark.parametrize("limit", [1, 2, 3])
def test_the_limits_that_freezes_carry_decide_many_histories(limit: int) -> None:
    assert _decides_many(lambda story: _limited(story, limit))


def _limited(story: History, limit: int) -> History:
    entries = [
        replace(entry, held_at_most=limit) if isinstance(entry, FreezeGranted) else entry
        for entry in story.entries
    ]
    return replace(story, entries=entries)


def test_the_smallest_history_keeps_only_what_it_is_judged_by() -> None:
    story = next(story for story in map(history, range(1_000)) if len(story.facts) > 10 and story.changes)
    fact, change = story.facts[5], story.changes[0]

    def has_both(other: History) -> bool:
        return fact in other.facts and change in other.changes

    small = smallest(story, has_both)
    assert (small.facts, small.changes, small.entries) == ([fact], [change], [])
    assert small.sign_up_time is None
