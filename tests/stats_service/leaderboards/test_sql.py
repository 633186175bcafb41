"""Boards in the database, recounted from the facts alone."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime

import pytest
from sqlalchemy import Engine

from stats_service.domain.periods import Cadence
from tests.stats_service.conftest import Apply
from tests.stats_service.facts import completion, history
from tests.stats_service.leaderboards.conftest import (
    A_MOMENT_BEFORE,
    CLOSED,
    SUNDAY,
    WEDNESDAY,
    Boards,
    closer,
    crowd,
    places,
    recount,
)

SPANS: list[tuple[Cadence, date, date]] = [
    ("day", WEDNESDAY, WEDNESDAY),
    ("week", date(2026, 2, 16), SUNDAY),
    ("week", date(2026, 2, 9), date(2026, 2, 15)),
    ("month", date(2026, 2, 1), date(2026, 2, 28)),
]


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.long) for seed in range(1, 10))])
async def test_a_board_is_what_the_facts_say_open_and_final(
    boards: Boards, apply: Apply, engine: Engine, seed: int
) -> None:
    facts = crowd(random.Random(seed))
    apply(*facts)
    without = [3, 4, 77]
    for user in without:
        await boards.opt(user)

    async def check() -> None:
        for kind, first, last in SPANS:
            for product in ("all", "focus", "yoga", "portal"):
                for metric in ("seconds", "sessions"):
                    expected = recount(facts, product, first, last, metric=metric, without=without)
                    shown = await boards.all(product, kind, last, metric=metric)
                    assert shown == expected, (kind, product, metric)

    await check()
    boards.now = datetime(2026, 3, 3, tzinfo=UTC)
    assert not closer(engine, boards.now)()
    assert {(await boards.page("all", kind, last)).state for kind, _, last in SPANS} == {"final"}
    await check()


async def test_ones_own_place_is_told_whatever_the_page(boards: Boards, apply: Apply) -> None:
    for user, seconds in enumerate((50, 40, 40, 30, 20), start=1):
        apply(*history(user, [WEDNESDAY], elapsed_seconds=seconds))
    page = await boards.page(me=3, size=1)
    assert (places(page), page.total) == ([(1, 1, 50, 1)], 5)
    assert page.own is not None
    assert (page.own.rank, page.own.score.seconds) == (2, 40)
    assert page.own.score.alias.startswith("Learner ")
    assert places(await boards.page(me=3)) == [
        (1, 1, 50, 1),
        (2, 2, 40, 1),
        (2, 3, 40, 1),
        (4, 4, 30, 1),
        (5, 5, 20, 1),
    ]
    assert (await boards.page(me=99)).own is None


async def test_whoever_moves_between_two_pages_hides_nobody_else_and_nobody_is_shown_twice(
    boards: Boards, apply: Apply
) -> None:
    for user, seconds in enumerate((50, 40, 40, 40, 40, 30, 30, 20), start=1):
        apply(*history(user, [WEDNESDAY], elapsed_seconds=seconds))
    first = await boards.page(size=3)
    assert [user for _, user, _, _ in places(first)] == [1, 2, 3]

    # One is hidden, an equal one of those shown and one still to come get ahead, and somebody is new.
    await boards.opt(1)
    for user in (2, 7, 9):
        apply(completion(user_id=user, user_seq=9, local_date=WEDNESDAY, elapsed_seconds=60))
    second = await boards.page(size=3, token=first.next_page_token)
    assert places(second) == [(4, 4, 40, 1), (4, 5, 40, 1), (7, 6, 30, 1)]
    third = await boards.page(size=3, token=second.next_page_token)
    assert (places(third), third.next_page_token) == ([(8, 8, 20, 1)], "")

    # Whoever the page ended with need not be there any more.
    await boards.opt(3)
    assert places(await boards.page(size=3, token=first.next_page_token)) == [
        (4, 4, 40, 1),
        (4, 5, 40, 1),
        (6, 6, 30, 1),
    ]


async def test_a_page_after_which_nobody_is_left_is_empty(boards: Boards, apply: Apply) -> None:
    apply(*history(1, [WEDNESDAY], elapsed_seconds=50), *history(2, [WEDNESDAY], elapsed_seconds=40))
    token = (await boards.page(size=1)).next_page_token
    await boards.opt(2)
    page = await boards.page(size=1, token=token)
    assert (places(page), page.total, page.next_page_token) == ([], 1, "")


async def test_who_opts_out_leaves_open_and_final_boards_and_may_come_back(
    boards: Boards, apply: Apply, engine: Engine
) -> None:
    for user, seconds in ((1, 50), (2, 40), (3, 30)):
        apply(*history(user, [WEDNESDAY], elapsed_seconds=seconds))
    closer(engine)()
    for boards.now, state in ((A_MOMENT_BEFORE, "final"), (CLOSED, "final")):
        await boards.opt(2)
        page = await boards.page(me=2)
        assert (page.state, places(page), page.own) == (state, [(1, 1, 50, 1), (2, 3, 30, 1)], None)
        await boards.opt(2, out=False, alias="Zoë")
        page = await boards.page(me=2)
        assert [entry.score.alias for entry in page.entries][1] == "Zoë"
        assert page.own == page.entries[1]
