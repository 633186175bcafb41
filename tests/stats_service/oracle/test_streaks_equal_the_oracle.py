"""The service's streaks against the oracle's, over made-up histories in every zone there is.

`make test-long` compares 2,000,000 more than the suite does.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import pytest

from stats_service.domain.completion import ALL_PRODUCTS
from stats_service.domain.keeping import (
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

SHARDS, SHARD = 8, 12_500
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
    families = Counter(history(seed).family for seed in range(2_000))
    assert set(families) == {family.name for family in FAMILIES}
    assert min(families.values()) >= 20


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
    stories = map(history, range(3_000))
    decided = sum(told(story, ALL_PRODUCTS) != told(without(story), ALL_PRODUCTS) for story in stories)
    assert decided >= 20


def test_the_shortest_day_decides_many_histories(monkeypatch: pytest.MonkeyPatch) -> None:
    stories = [history(seed) for seed in range(3_000)]
    before = [told(story, ALL_PRODUCTS) for story in stories]
    monkeypatch.setattr(oracle, "SHORTEST_DAY", 0)
    after = [told(story, ALL_PRODUCTS) for story in stories]
    assert sum(one != other for one, other in zip(before, after, strict=True)) >= 20


@pytest.mark.parametrize("limit", [1, 2, 3])
def test_the_limits_that_freezes_carry_decide_many_histories(limit: int) -> None:
    stories = [history(seed) for seed in range(3_000)]
    limited = [_limited(story, limit) for story in stories]
    pairs = zip(stories, limited, strict=True)
    assert sum(told(one, ALL_PRODUCTS) != told(other, ALL_PRODUCTS) for one, other in pairs) >= 20


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
