"""Wires the core: who is built from what, and which services the server has of it."""

from __future__ import annotations

import grpc
from practice.products.focus.v1 import focus_service_pb2_grpc as focus_rpc
from practice.stats.v1 import badge_service_pb2_grpc as badge_rpc
from practice.stats.v1 import stats_service_pb2_grpc as rpc
from practice.stats.v1 import streak_service_pb2_grpc as streak_rpc
from practice.stats.v1 import summary_service_pb2_grpc as summary_rpc
from sqlalchemy import Engine
from sqlalchemy.ext.asyncio import AsyncEngine

from contract_kit import personal_data
from stats_service.adapters.cel.conditions import compile_condition, published_condition
from stats_service.adapters.db.badges import SqlBadgeReader, open_badge_publication
from stats_service.adapters.db.personal_data import open_personal_data
from stats_service.adapters.db.population import SqlPopulation
from stats_service.adapters.db.reader import SqlReader
from stats_service.adapters.db.streaks import open_streak_work
from stats_service.adapters.db.summaries import SqlSummaryReader
from stats_service.adapters.grpc import (
    badge_servicer,
    servicer,
    streak_servicer,
    summary_servicer,
)
from stats_service.adapters.grpc.badge_servicer import BadgeAdminServicer, BadgeServicer
from stats_service.adapters.grpc.products.focus import servicer as focus
from stats_service.adapters.grpc.servicer import StatsAdminServicer, StatsServicer
from stats_service.adapters.grpc.streak_servicer import StreakAdminServicer, StreakServicer
from stats_service.adapters.grpc.summary_servicer import SummaryServicer
from stats_service.application.backfill import CatchUp
from stats_service.application.badge_commands import DryRunBadge, LoadBadgeDefinitions
from stats_service.application.badge_queries import ListAwardedBadges, ListBadgeDefinitions, ListBadges
from stats_service.application.freshness import Followers, Waiting
from stats_service.application.ports.badges import BackfillQueue
from stats_service.application.ports.clock import Clock
from stats_service.application.progress_queries import (
    GetApplied,
    GetCompletionEffects,
    GetStanding,
    ListDailyProgress,
    WatchStatistics,
)
from stats_service.application.streak_commands import (
    BuyFreeze,
    CancelPause,
    GrantFreeze,
    PlanPause,
    Recording,
    RepairStreak,
    SetRestDays,
)
from stats_service.application.streak_queries import (
    GetFreezes,
    GetStreaks,
    ListPauses,
    ListRestDays,
    ListStreakEntries,
)
from stats_service.application.summary_queries import GetBestHours, GetHeatmap, ListSummaries
from stats_service.application.today import Today

INTERNAL = frozenset(
    {
        personal_data.SERVICE,
        badge_servicer.ADMIN_SERVICE,
        servicer.ADMIN_SERVICE,
        streak_servicer.ADMIN_SERVICE,
    }
)


def register_progress(
    server: grpc.aio.Server,
    engine: AsyncEngine,
    backfills: BackfillQueue,
    waiting: Waiting,
    *,
    followers: Followers,
    today: Today,
    clock: Clock,
) -> None:
    """Adds the services about progress and about personal data to the server."""
    reader = SqlReader(engine)
    list_daily_progress = ListDailyProgress(reader, waiting, clock)
    get_standing = GetStanding(reader, today)
    list_awarded_badges = ListAwardedBadges(reader, waiting)
    load_badge_definitions = LoadBadgeDefinitions(
        open_badge_publication(engine), backfills, compile_condition
    )

    watch_statistics = WatchStatistics(reader, followers, today)
    own = StatsServicer(
        servicer.UseCases(list_daily_progress, get_standing, list_awarded_badges, watch_statistics)
    )
    admin = StatsAdminServicer(
        servicer.AdminUseCases(
            GetApplied(reader),
            get_standing,
            GetCompletionEffects(reader, today),
            list_daily_progress,
            load_badge_definitions,
            waiting,
        )
    )
    focus_progress = focus.FocusProgressServicer(
        focus.UseCases(list_daily_progress, get_standing, list_awarded_badges)
    )
    data = open_personal_data(engine)
    rpc.add_StatsServiceServicer_to_server(own, server)
    personal_data.register_personal_data(server, data.export, data.erase)
    rpc.add_StatsAdminServiceServicer_to_server(admin, server)
    focus_rpc.add_FocusProgressServiceServicer_to_server(focus_progress, server)


def register_badges(
    server: grpc.aio.Server, engine: AsyncEngine, examining: Engine, waiting: Waiting, clock: Clock
) -> None:
    """Adds the services about badges to the server. `examining` is for what is computed from everybody."""
    reader, badges = SqlReader(engine), SqlBadgeReader(engine)
    list_badges = ListBadges(reader, waiting)
    dry_run_badge = DryRunBadge(SqlPopulation(examining, published_condition), compile_condition, clock)
    admin = BadgeAdminServicer(badge_servicer.AdminUseCases(ListBadgeDefinitions(badges), dry_run_badge))
    badge_rpc.add_BadgeServiceServicer_to_server(BadgeServicer(list_badges), server)
    badge_rpc.add_BadgeAdminServiceServicer_to_server(admin, server)


def register_summaries(server: grpc.aio.Server, engine: AsyncEngine, today: Today) -> None:
    """Adds the service about summaries to the server."""
    summaries = SqlSummaryReader(engine)
    use_cases = summary_servicer.UseCases(
        GetHeatmap(SqlReader(engine), today),
        ListSummaries(summaries, today),
        GetBestHours(summaries, today),
    )
    summary_rpc.add_SummaryServiceServicer_to_server(SummaryServicer(use_cases), server)


def register_streaks(
    server: grpc.aio.Server,
    engine: AsyncEngine,
    backfills: BackfillQueue,
    today: Today,
    clock: Clock,
    *,
    freeze_limit: int,
    freeze_purchases: int,
) -> None:
    """Adds the services about streaks to the server.

    `freeze_limit` freezes at most can be held for one, `freeze_purchases` bought in 30 days.
    """
    reader = SqlReader(engine)
    recording = Recording(open_streak_work(engine), backfills, clock)
    use_cases = streak_servicer.UseCases(
        get_streaks=GetStreaks(reader, today),
        list_rest_days=ListRestDays(reader, today),
        set_rest_days=SetRestDays(recording),
        list_pauses=ListPauses(reader),
        plan_pause=PlanPause(recording),
        cancel_pause=CancelPause(recording),
        get_freezes=GetFreezes(reader, today),
        buy_freeze=BuyFreeze(recording, freeze_limit, freeze_purchases),
    )
    admin = StreakAdminServicer(
        streak_servicer.AdminUseCases(
            GrantFreeze(recording, freeze_limit), RepairStreak(recording), ListStreakEntries(reader)
        )
    )
    streak_rpc.add_StreakServiceServicer_to_server(
        StreakServicer(use_cases, freeze_limit=freeze_limit), server
    )
    streak_rpc.add_StreakAdminServiceServicer_to_server(admin, server)


def catching_up(engine: AsyncEngine, backfills: BackfillQueue) -> CatchUp:
    """Returns what asks for a backfill when somebody's progress is behind."""
    return CatchUp(SqlReader(engine), backfills)
