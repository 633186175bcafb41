"""Boards in the database, recounted from the facts alone."""

from __future__ import annotations

import random
import threading
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.ext.asyncio import AsyncEngine

from service_kit.db.engines import open_async_engine
from stats_service.adapters.db.leaderboard_closing import SqlClosingStore
from stats_service.adapters.db.leaderboard_settings import open_settings
from stats_service.adapters.db.leaderboards import SqlLeaderboardReader, board_key
from stats_service.adapters.db.learner_store import SqlLearnerStore
from stats_service.adapters.db.reader import SqlReader
from stats_service.application.close_leaderboards import CloseLeaderboards
from stats_service.application.derivation import rederive
from stats_service.application.get_leaderboard import BoardPage, GetLeaderboard
from stats_service.application.own_days import Today
from stats_service.application.waiting import Waiting
from stats_service.domain.completion import Completion
from stats_service.domain.leaderboards import Metric
from stats_service.domain.periods import Period, PeriodKind
from tests.stats_service.adapters.conftest import Apply
from tests.stats_service.facts import completion, history
from tests.waiting import PATIENCE_SECONDS, eventually

GRACE = timedelta(hours=12)
WEDNESDAY = date(2026, 2, 18)
SUNDAY = date(2026, 2, 22)
# All of Sunday is over for everybody, and so are the hours of grace.
CLOSED = datetime(2026, 2, 24, 23, tzinfo=UTC)
A_MOMENT_BEFORE = CLOSED - timedelta(microseconds=1)

# Rank, account, seconds, sessions.
Place = tuple[int, int, int, int]


@pytest.fixture
async def reading(fresh_database_url: str) -> AsyncIterator[AsyncEngine]:
    engine = open_async_engine(fresh_database_url, pool_size=2, application="test")
    yield engine
    await engine.dispose()


class Boards:
    """Reads boards as the server does, at any time."""

    def __init__(self, engine: AsyncEngine, now: datetime = A_MOMENT_BEFORE) -> None:
        self._engine = engine
        self.now = now

    async def page(
        self,
        product: str = "focus",
        kind: PeriodKind = "week",
        day: date = WEDNESDAY,
        *,
        me: int = 0,
        metric: Metric = "seconds",
        size: int = 100,
        token: str = "",
    ) -> BoardPage:
        today = Today(Waiting(SqlReader(self._engine), 0.1), lambda: self.now)
        boards = SqlLeaderboardReader(self._engine)
        get = GetLeaderboard(boards, board_key(self._engine), today, lambda: self.now, GRACE)
        return await get(me, product, kind, day, metric=metric, page_size=size, page_token=token)

    async def all(
        self,
        product: str,
        kind: PeriodKind,
        day: date,
        *,
        metric: Metric = "seconds",
        size: int = 7,
    ) -> list[Place]:
        found: list[Place] = []
        token = ""
        while True:
            page = await self.page(product, kind, day, metric=metric, size=size, token=token)
            found += places(page)
            token = page.next_page_token
            if not token:
                assert len(found) == page.total
                return found

    async def opt(self, user_id: int, out: bool = True, alias: str | None = None) -> None:
        async with open_settings(self._engine)() as work:
            await work.change(user_id, alias, out)
            await work.commit()


@pytest.fixture
def boards(reading: AsyncEngine) -> Boards:
    return Boards(reading)


def places(page: BoardPage) -> list[Place]:
    return [(each.rank, each.score.user_id, each.score.seconds, each.score.sessions) for each in page.entries]


def closer(engine: Engine, now: datetime = CLOSED, budget: float = 30.0) -> CloseLeaderboards:
    return CloseLeaderboards(SqlClosingStore(engine), lambda: now, GRACE, budget_seconds=budget)


def recount(
    facts: Iterable[Completion],
    product: str,
    first: date,
    last: date,
    *,
    metric: Metric = "seconds",
    without: Sequence[int] = (),
) -> list[Place]:
    """Returns a board by the book."""
    seconds: dict[int, int] = defaultdict(int)
    sessions: dict[int, int] = defaultdict(int)
    for fact in facts:
        if (
            fact.counts
            and first <= fact.local_date <= last
            and product in ("all", fact.product)
            and fact.user_id not in without
        ):
            seconds[fact.user_id] += fact.elapsed_seconds
            sessions[fact.user_id] += 1
    value = seconds if metric == "seconds" else sessions
    return [
        (1 + sum(other > value[user] for other in value.values()), user, seconds[user], sessions[user])
        for user in sorted(value, key=lambda user: (-value[user], user))
    ]


def crowd(chance: random.Random, people: int = 30, facts: int = 400) -> list[Completion]:
    """Returns what people practised around a week, with many equal scores."""
    seq: dict[int, int] = defaultdict(int)
    told = []
    for _ in range(facts):
        user = chance.randint(1, people)
        seq[user] += 1
        day = WEDNESDAY + timedelta(days=chance.randint(-12, 8))
        told.append(
            completion(
                user_id=user,
                user_seq=seq[user],
                local_date=day,
                product=chance.choice(("focus", "yoga", "exercises")),
                elapsed_seconds=chance.choice((0, 300, 600)),
                counts=chance.random() < 0.9,
            )
        )
    return told


SPANS: list[tuple[PeriodKind, date, date]] = [
    ("day", WEDNESDAY, WEDNESDAY),
    ("week", date(2026, 2, 16), SUNDAY),
    ("week", date(2026, 2, 9), date(2026, 2, 15)),
    ("month", date(2026, 2, 1), date(2026, 2, 28)),
]


@pytest.mark.parametrize("seed", range(3))
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


async def test_late_sessions_count_until_the_board_closes_and_not_after(
    boards: Boards, apply: Apply, engine: Engine
) -> None:
    apply(completion(user_id=1, user_seq=1, local_date=SUNDAY, elapsed_seconds=60))
    closer(engine, A_MOMENT_BEFORE)()
    apply(completion(user_id=1, user_seq=2, local_date=SUNDAY, elapsed_seconds=60))
    page = await boards.page()
    assert (page.state, places(page)) == ("closing", [(1, 1, 120, 2)])

    boards.now = CLOSED + timedelta(days=1)
    # Its time is over, but nobody has closed it: it goes on counting.
    apply(completion(user_id=1, user_seq=3, local_date=SUNDAY, elapsed_seconds=60))
    page = await boards.page()
    assert (page.state, places(page)) == ("closing", [(1, 1, 180, 3)])

    closer(engine)()
    apply(
        completion(user_id=1, user_seq=4, local_date=SUNDAY, elapsed_seconds=60),
        completion(user_id=2, user_seq=1, local_date=SUNDAY, elapsed_seconds=600),
    )
    for kind in ("day", "week"):
        page = await boards.page(kind=kind, day=SUNDAY)
        assert (page.state, places(page)) == ("final", [(1, 1, 180, 3)])
        assert page.closes_time == CLOSED
    assert places(await boards.page(kind="month")) == [(1, 2, 600, 1), (2, 1, 240, 4)]


async def test_what_is_recalculated_after_closing_moves_open_boards_only(
    boards: Boards, apply: Apply, engine: Engine, store: SqlLearnerStore
) -> None:
    apply(completion(user_id=1, user_seq=1, local_date=SUNDAY, elapsed_seconds=60))
    with engine.begin() as connection:
        connection.execute(text("UPDATE stats.daily_progress SET elapsed_seconds = 90"))
    closer(engine)()
    with store.work_on([1]) as work:
        rederive(work)
        work.commit()
    boards.now = CLOSED
    assert places(await boards.page(kind="week")) == [(1, 1, 90, 1)]
    assert places(await boards.page(kind="month")) == [(1, 1, 60, 1)]


async def test_whoever_was_off_for_days_closes_what_was_missed_and_once(
    boards: Boards, apply: Apply, engine: Engine
) -> None:
    days = [date(2025, 12, 31), date(2026, 2, 10), WEDNESDAY, SUNDAY]
    apply(*history(1, days, elapsed_seconds=60))
    passes = 1
    while closer(engine, budget=0.0)():
        passes += 1
    assert passes > 3
    before = kept(engine)
    assert not closer(engine)()
    assert kept(engine) == before
    with engine.connect() as connection:
        found = connection.execute(text("SELECT period, closed_through FROM stats.leaderboard_closing"))
        through = {row.period: row.closed_through for row in found}
    assert through == {"day": SUNDAY, "week": SUNDAY, "month": date(2026, 1, 31)}
    boards.now = CLOSED
    for day in days:
        assert places(await boards.page(kind="day", day=day)) == [(1, 1, 60, 1)]
    # Nobody practised then, and a session that comes later does not reopen it.
    apply(completion(user_id=1, user_seq=9, local_date=date(2026, 1, 15)))
    page = await boards.page(kind="day", day=date(2026, 1, 15))
    assert (page.state, places(page)) == ("final", [])


def test_nothing_to_close_is_closed_as_well(engine: Engine) -> None:
    assert not closer(engine)()
    assert kept(engine) == []


def test_two_machines_close_a_board_once(engine: Engine, apply: Apply) -> None:
    apply(*crowd(random.Random(9)))
    threads = [threading.Thread(target=closer(engine)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_SECONDS)
    once = kept(engine)
    with engine.begin() as connection:
        connection.execute(text("TRUNCATE stats.leaderboard_closing, stats.leaderboard_entry"))
    closer(engine)()
    assert kept(engine) == once


async def test_a_board_that_closes_while_completions_arrive_has_whole_ones_and_stays(
    boards: Boards, apply: Apply, engine: Engine
) -> None:
    people, sessions = range(1, 5), 12
    begun = threading.Barrier(len(people) + 1)

    def practise(user: int) -> None:
        begun.wait(PATIENCE_SECONDS)
        for seq in range(1, sessions + 1):
            apply(completion(user_id=user, user_seq=seq, local_date=SUNDAY, elapsed_seconds=60))

    threads = [threading.Thread(target=practise, args=(user,)) for user in people]
    for thread in threads:
        thread.start()
    begun.wait(PATIENCE_SECONDS)
    eventually(lambda: open_scores(engine))
    closer(engine)()
    at_closing = kept(engine)
    for thread in threads:
        thread.join(PATIENCE_SECONDS)

    assert kept(engine) == at_closing
    boards.now = CLOSED
    final = places(await boards.page())
    assert final
    assert all(seconds == 60 * count and 1 <= count <= sessions for _, _, seconds, count in final)
    assert open_scores(engine) == dict.fromkeys(people, sessions)


async def test_an_erased_person_is_gone_from_final_boards_and_ranks_close_up(
    boards: Boards, apply: Apply, engine: Engine
) -> None:
    for user, seconds in ((1, 50), (2, 40), (3, 30)):
        apply(*history(user, [WEDNESDAY], elapsed_seconds=seconds))
    store = SqlClosingStore(engine)
    with store.work_on("week") as work:
        # Erased while the scores are being kept: they are not there to be deleted yet.
        with engine.begin() as connection:
            connection.execute(text("INSERT INTO stats.erased_user (user_id, request_id) VALUES (2, 'r')"))
        work.close(Period.of("week", WEDNESDAY))
        work.commit()
    closer(engine)()
    boards.now = CLOSED
    for kind in ("day", "week"):
        assert places(await boards.page(kind=kind)) == [(1, 1, 50, 1), (2, 3, 30, 1)]
    assert store.forget_erased() == 0


def kept(engine: Engine) -> list[tuple[object, ...]]:
    with engine.connect() as connection:
        found = connection.execute(
            text("SELECT * FROM stats.leaderboard_entry ORDER BY period, first_day, product, user_id")
        )
        return [tuple(row) for row in found]


def open_scores(engine: Engine) -> dict[int, int]:
    with engine.connect() as connection:
        found = connection.execute(text("SELECT user_id, session_count FROM stats.daily_progress"))
        return {row.user_id: row.session_count for row in found}
