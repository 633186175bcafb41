"""Boards as tests read, recount and close them."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.ext.asyncio import AsyncEngine

from service_kit.db.engines import open_async_engine
from service_kit.hints import HeardPlaces
from stats_service.adapters.db.reader import SqlReader
from stats_service.application.freshness import Waiting
from stats_service.application.today import Today
from stats_service.domain.completion import Completion
from stats_service.domain.periods import Cadence
from stats_service.leaderboards.domain import Metric
from stats_service.leaderboards.sql import SqlClosingStore, SqlLeaderboardReader, board_key, open_settings
from stats_service.leaderboards.use_cases import BoardPage, CloseLeaderboards, GetLeaderboard
from tests.stats_service.facts import completion

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
        kind: Cadence = "week",
        day: date = WEDNESDAY,
        *,
        me: int = 0,
        metric: Metric = "seconds",
        size: int = 100,
        token: str = "",
    ) -> BoardPage:
        reader = SqlReader(self._engine)
        today = Today(reader, Waiting(reader, HeardPlaces(remembered=0), 0.1), lambda: self.now)
        boards = SqlLeaderboardReader(self._engine)
        get = GetLeaderboard(boards, board_key(self._engine), today, lambda: self.now, GRACE)
        return await get(me, product, kind, day, metric=metric, page_size=size, page_token=token)

    async def all(
        self,
        product: str,
        kind: Cadence,
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
    """Returns a board by hand."""
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


def crowd(chance: random.Random, learners: int = 30, facts: int = 400) -> list[Completion]:
    """Returns what learners practised around a week, with many equal scores."""
    seq: dict[int, int] = defaultdict(int)
    told = []
    for _ in range(facts):
        user = chance.randint(1, learners)
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
