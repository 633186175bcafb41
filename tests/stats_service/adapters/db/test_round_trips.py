"""How often an answer about a learner asks the database, counted on the wire."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from typing import Any

import grpc
import pytest
from practice.stats.v1 import badge_service_pb2 as badges_pb
from practice.stats.v1 import badge_service_pb2_grpc as badges_rpc
from practice.stats.v1 import leaderboard_service_pb2 as boards_pb
from practice.stats.v1 import leaderboard_service_pb2_grpc as boards_rpc
from practice.stats.v1 import stats_service_pb2 as stats_pb
from practice.stats.v1 import stats_service_pb2_grpc as stats_rpc
from practice.stats.v1 import streak_service_pb2 as streaks_pb
from practice.stats.v1 import streak_service_pb2_grpc as streaks_rpc
from practice.stats.v1 import summary_service_pb2 as summaries_pb
from practice.stats.v1 import summary_service_pb2_grpc as summaries_rpc

from service_kit.db.engines import open_engine
from stats_service.adapters.cel.conditions import compile_condition
from stats_service.adapters.db.learner_store import SqlLearnerStore
from stats_service.application.ingest import ApplyCompletions, Delivery
from stats_service.main import serving
from stats_service.settings import Settings
from tests.stats_service.conftest import NOW, Apply, Metadata, days
from tests.stats_service.facts import history
from tests.tokens import TestTokens
from tests.wire import Wire, count, wire_to


@pytest.fixture
def me(tokens: TestTokens) -> Metadata:
    return tuple(tokens.bearer(1))


@pytest.fixture
async def wire(
    service_settings: dict[str, Any], fresh_database_url: str, redis_url: str
) -> AsyncIterator[tuple[Wire, grpc.aio.Channel]]:
    """A server whose database is behind a counting proxy."""
    async with wire_to(fresh_database_url) as (wire, behind):
        settings = Settings(**{**service_settings, "database_url": behind}, redis_url=redis_url)
        async with (
            serving(settings, clock=lambda: NOW) as server,
            grpc.aio.insecure_channel(f"127.0.0.1:{server.port}") as channel,
        ):
            yield wire, channel


def asked(channel: grpc.aio.Channel) -> dict[str, tuple[Callable[..., Awaitable[Any]], Any]]:
    """What a learner may ask, by its name."""
    stats, streaks = stats_rpc.StatsServiceStub(channel), streaks_rpc.StreakServiceStub(channel)
    boards = boards_rpc.LeaderboardServiceStub(channel)
    badges, summaries = badges_rpc.BadgeServiceStub(channel), summaries_rpc.SummaryServiceStub(channel)
    return {
        "standing": (stats.GetStanding, stats_pb.GetStandingRequest(product="focus")),
        "days": (stats.ListDailyProgress, stats_pb.ListDailyProgressRequest(product="focus")),
        "streaks": (streaks.GetStreaks, streaks_pb.GetStreaksRequest()),
        "freezes": (streaks.GetFreezes, streaks_pb.GetFreezesRequest(product="focus")),
        "heatmap": (summaries.GetHeatmap, summaries_pb.GetHeatmapRequest(product="focus")),
        "weeks": (summaries.ListSummaries, summaries_pb.ListSummariesRequest(period="week")),
        "months": (summaries.ListSummaries, summaries_pb.ListSummariesRequest(period="month")),
        "best hours": (summaries.GetBestHours, summaries_pb.GetBestHoursRequest(product="focus")),
        "board": (boards.GetLeaderboard, boards_pb.GetLeaderboardRequest(product="focus", period="week")),
        "badges": (badges.ListBadges, badges_pb.ListBadgesRequest()),
        "awarded badges": (stats.ListAwardedBadges, stats_pb.ListAwardedBadgesRequest()),
        "rest days": (streaks.ListRestDays, streaks_pb.ListRestDaysRequest()),
    }


async def test_what_is_meant_as_of_one_moment_is_one_round_trip(
    apply: Apply, wire: tuple[Wire, grpc.aio.Channel], me: Metadata
) -> None:
    apply(*history(1, days(3, 2, 1)))
    counted, channel = wire
    trips: dict[str, int] = {}
    for name, (method, request) in asked(channel).items():
        call = partial(method, request, metadata=me)
        # At first statements are prepared, and keys looked up.
        for _ in range(6):
            await call()
        trips[name] = await count(counted, call)
    assert trips == dict.fromkeys(trips, 1)


async def test_a_completion_is_taken_in_by_two_round_trips(fresh_database_url: str) -> None:
    async with wire_to(fresh_database_url) as (counted, behind):
        engine = open_engine(behind, pool_size=1, application="test")
        taking_in = ApplyCompletions(SqlLearnerStore(engine, compile_condition))
        facts = iter(history(1, days(*range(20, 0, -1))))

        async def take_in() -> None:
            applied = await asyncio.to_thread(taking_in, [Delivery(b"", next(facts))])
            assert applied.new == 1

        # At first statements are prepared.
        for _ in range(10):
            await take_in()
        trips = await count(counted, take_in)
        engine.dispose()
    # All that is derived from, with the new fact; all that is derived, with the commit.
    assert trips == 2
