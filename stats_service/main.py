"""Wires the stats service and serves it: `python -m stats_service.main`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import grpc
from practice.products.focus.v1 import focus_service_pb2_grpc as focus_rpc
from practice.stats.v1 import badge_service_pb2_grpc as badge_rpc
from practice.stats.v1 import stats_service_pb2_grpc as rpc
from sqlalchemy import Engine
from sqlalchemy.ext.asyncio import AsyncEngine

from contract_kit import personal_data
from contract_kit.calendars import CalendarSender
from contract_kit.revocations import polling_revocations
from service_kit.broker import open_broker
from service_kit.db.engines import close_async_engine, open_async_engine, open_engine
from service_kit.db.idempotency import SqlSavedResponses
from service_kit.grpc.channels import open_channel
from service_kit.grpc.guards import Access
from service_kit.grpc.interceptor import CallInterceptor
from service_kit.grpc.server import RunningServer, build_server, start_server, stop_requested
from service_kit.logging import configure_logging
from service_kit.memory import return_what_is_freed
from service_kit.periodic import repeating
from service_kit.revocations import Revocations
from service_kit.setting_faults import read_settings
from service_kit.tokens import TokenVerifier
from service_kit.write_health import EVERY_SECONDS, WriteHealth
from service_kit.zone_handover import ZoneHandover
from stats_service.adapters.cel.conditions import compile_condition, published_condition
from stats_service.adapters.celery.backfills import CeleryBackfillQueue
from stats_service.adapters.db.badge_reader import SqlBadgeReader
from stats_service.adapters.db.badge_shelf import open_badge_shelf
from stats_service.adapters.db.leaderboard_settings import forgetting_requests
from stats_service.adapters.db.old_reports import forgetting_reports
from stats_service.adapters.db.personal_data import open_personal_data
from stats_service.adapters.db.population import SqlPopulation
from stats_service.adapters.db.reader import SqlReader
from stats_service.adapters.db.tables import idempotency
from stats_service.adapters.grpc import (
    badge_servicer,
    recalculation_servicer,
    reconciliation_servicer,
    servicer,
)
from stats_service.adapters.grpc.badge_servicer import BadgeAdminServicer, BadgeServicer
from stats_service.adapters.grpc.products import focus
from stats_service.adapters.grpc.servicer import StatsAdminServicer, StatsServicer
from stats_service.application.dry_run_badge import DryRunBadge
from stats_service.application.forget_expired import ForgetExpired
from stats_service.application.get_applied import GetApplied
from stats_service.application.get_completion_effects import GetCompletionEffects
from stats_service.application.get_standing import GetStanding
from stats_service.application.list_awarded_badges import ListAwardedBadges
from stats_service.application.list_badge_definitions import ListBadgeDefinitions
from stats_service.application.list_badges import ListBadges
from stats_service.application.list_daily_progress import ListDailyProgress
from stats_service.application.load_badge_definitions import LoadBadgeDefinitions
from stats_service.application.own_days import Today
from stats_service.application.ports.surroundings import Clock
from stats_service.application.waiting import Waiting
from stats_service.settings import Settings
from stats_service.wiring.boards import register_boards, register_summaries
from stats_service.wiring.recalculation import register_recalculations
from stats_service.wiring.reconciliation import register_reconciliation_service
from stats_service.wiring.streaks import INTERNAL as STREAK_INTERNAL
from stats_service.wiring.streaks import catching_up, register_explanations, register_streaks

INTERNAL = frozenset(
    {
        personal_data.SERVICE,
        recalculation_servicer.SERVICE,
        reconciliation_servicer.SERVICE,
        badge_servicer.ADMIN_SERVICE,
        servicer.ADMIN_SERVICE,
        *STREAK_INTERNAL,
    }
)


def _now() -> datetime:
    return datetime.now(UTC)


@asynccontextmanager
async def serving(settings: Settings, clock: Clock = _now) -> AsyncIterator[RunningServer]:
    """Runs the service for the duration of a block, then lets calls under way finish."""
    engine = open_async_engine(
        settings.database_url, pool_size=settings.database_pool_size, application="stats"
    )
    # For what is computed from everybody's facts, beside the event loop.
    examining = open_engine(settings.database_url, pool_size=1, application="stats-dry-run")
    revocations = Revocations(settings.access_lifetime)
    verifier = TokenVerifier(settings.jwks_uri, settings.jwt_issuer, settings.access_lifetime, revocations)
    access = Access(verifier, settings.internal_token(), internal=INTERNAL)
    session = open_channel(settings.session_address)
    interceptor = CallInterceptor(
        access,
        presenters={focus.SERVICE: focus.present},
        on_admitted=ZoneHandover(CalendarSender(session, settings.internal_token())),
        responses=SqlSavedResponses(engine, idempotency),
        max_deadline_seconds=settings.max_deadline_seconds,
        limits=settings.limits(),
        pace=settings.pace(),
    )
    server = build_server(interceptor)
    broker = open_broker(settings.redis_url, "stats-server")
    backfills = CeleryBackfillQueue(broker)
    waiting = Waiting(SqlReader(engine), settings.wait_seconds)
    today = Today(waiting, clock)
    try:
        _register(server, engine, backfills, waiting, today=today, clock=clock)
        _register_badges(server, engine, examining, waiting, clock)
        register_boards(server, engine, today, clock, timedelta(hours=settings.leaderboard_grace_hours))
        register_summaries(server, engine, today)
        register_streaks(
            server,
            engine,
            backfills,
            today,
            clock,
            freeze_limit=settings.freeze_limit,
            freeze_purchases=settings.freeze_purchases,
        )
        register_explanations(server, engine, clock)
        register_recalculations(server, engine, broker)
        register_reconciliation_service(server, engine, broker)
        async with polling_revocations(settings, revocations):
            running = await start_server(server, settings.listen, [], reflection=settings.grpc_reflection)
            try:
                async with (
                    repeating(_forget_expired(settings, engine), settings.housekeeping_seconds),
                    repeating(catching_up(engine, backfills), settings.housekeeping_seconds),
                    repeating(WriteHealth(engine, running), EVERY_SECONDS),
                ):
                    yield running
            finally:
                await running.stop(settings.shutdown_grace_seconds)
    finally:
        broker.close()
        await session.close()
        examining.dispose()
        await close_async_engine(engine)


def _forget_expired(settings: Settings, engine: AsyncEngine) -> ForgetExpired:
    kept = timedelta(days=settings.report_days)
    return ForgetExpired(forgetting_requests(engine), forgetting_reports(engine, kept))


def _register(
    server: grpc.aio.Server,
    engine: AsyncEngine,
    backfills: CeleryBackfillQueue,
    waiting: Waiting,
    *,
    today: Today,
    clock: Clock,
) -> None:
    reader = SqlReader(engine)
    list_daily_progress = ListDailyProgress(reader, waiting, clock)
    get_standing = GetStanding(reader, today)
    list_awarded_badges = ListAwardedBadges(reader, waiting)
    load_badge_definitions = LoadBadgeDefinitions(open_badge_shelf(engine), backfills, compile_condition)

    own = StatsServicer(list_daily_progress, get_standing, list_awarded_badges)
    admin = StatsAdminServicer(
        GetApplied(reader),
        get_standing,
        GetCompletionEffects(reader, get_standing),
        list_daily_progress,
        load_badge_definitions,
    )
    focus_progress = focus.FocusProgressServicer(list_daily_progress, get_standing, list_awarded_badges)
    data = open_personal_data(engine)
    rpc.add_StatsServiceServicer_to_server(own, server)
    personal_data.register_personal_data(server, data.export, data.erase)
    rpc.add_StatsAdminServiceServicer_to_server(admin, server)
    focus_rpc.add_FocusProgressServiceServicer_to_server(focus_progress, server)


def _register_badges(
    server: grpc.aio.Server, engine: AsyncEngine, examining: Engine, waiting: Waiting, clock: Clock
) -> None:
    reader, badges = SqlReader(engine), SqlBadgeReader(engine)
    list_badges = ListBadges(reader, badges, waiting)
    dry_run_badge = DryRunBadge(SqlPopulation(examining, published_condition), compile_condition, clock)
    admin = BadgeAdminServicer(ListBadgeDefinitions(badges), dry_run_badge)
    badge_rpc.add_BadgeServiceServicer_to_server(BadgeServicer(list_badges), server)
    badge_rpc.add_BadgeAdminServiceServicer_to_server(admin, server)


async def _serve_until_stopped(settings: Settings) -> None:
    async with serving(settings):
        await stop_requested()


def main() -> None:
    """Serves until SIGTERM or SIGINT."""
    settings = read_settings(Settings)
    configure_logging("stats", settings.log_level)
    return_what_is_freed()
    asyncio.run(_serve_until_stopped(settings))


if __name__ == "__main__":
    main()
