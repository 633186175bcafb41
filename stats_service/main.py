"""Wires the stats service and serves it: `python -m stats_service.main`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import grpc
from practice.products.focus.v1 import focus_service_pb2_grpc as focus_rpc
from practice.stats.v1 import stats_service_pb2_grpc as rpc
from sqlalchemy.ext.asyncio import AsyncEngine

from service_kit.broker import open_broker
from service_kit.db.engines import close_async_engine, open_async_engine
from service_kit.grpc.channels import open_channel
from service_kit.grpc.guards import Access
from service_kit.grpc.interceptor import CallInterceptor
from service_kit.grpc.server import RunningServer, build_server, start_server, stop_requested
from service_kit.logging import configure_logging
from service_kit.tokens import TokenVerifier
from service_kit.zone_handover import ZoneHandover
from stats_service.adapters.celery.backfills import CeleryBackfillQueue
from stats_service.adapters.db.badge_shelf import open_badge_shelf
from stats_service.adapters.db.reader import SqlReader
from stats_service.adapters.grpc.products import focus
from stats_service.adapters.grpc.servicer import StatsAdminServicer, StatsServicer
from stats_service.adapters.session.calendars import CalendarSender
from stats_service.application.get_applied import GetApplied
from stats_service.application.get_completion_effects import GetCompletionEffects
from stats_service.application.get_standing import GetStanding
from stats_service.application.list_awarded_badges import ListAwardedBadges
from stats_service.application.list_daily_progress import ListDailyProgress
from stats_service.application.load_badge_definitions import LoadBadgeDefinitions
from stats_service.application.ports import Clock
from stats_service.application.waiting import Waiting
from stats_service.settings import Settings

INTERNAL = frozenset({"practice.stats.v1.StatsAdminService"})


def _now() -> datetime:
    return datetime.now(UTC)


@asynccontextmanager
async def serving(settings: Settings, clock: Clock = _now) -> AsyncIterator[RunningServer]:
    """Runs the service for the duration of a block, then lets calls under way finish."""
    engine = open_async_engine(
        settings.database_url, pool_size=settings.database_pool_size, application="stats"
    )
    access = Access(
        TokenVerifier(settings.jwks_uri, settings.jwt_issuer), settings.internal_token(), internal=INTERNAL
    )
    session = open_channel(settings.session_address)
    interceptor = CallInterceptor(
        access,
        presenters={focus.SERVICE: focus.present},
        on_admitted=ZoneHandover(CalendarSender(session, settings.internal_token())),
        max_deadline_seconds=settings.max_deadline_seconds,
    )
    server = build_server(interceptor, max_concurrent_rpcs=settings.max_concurrent_rpcs)
    broker = open_broker(settings.redis_url, "stats-server")
    try:
        _register(server, settings, engine, CeleryBackfillQueue(broker), clock)
        running = await start_server(server, settings.listen, [])
        try:
            yield running
        finally:
            await running.stop(settings.shutdown_grace_seconds)
    finally:
        broker.close()
        await session.close()
        await close_async_engine(engine)


def _register(
    server: grpc.aio.Server,
    settings: Settings,
    engine: AsyncEngine,
    backfills: CeleryBackfillQueue,
    clock: Clock,
) -> None:
    reader = SqlReader(engine)
    waiting = Waiting(reader, settings.wait_seconds)
    list_daily_progress = ListDailyProgress(reader, waiting, clock)
    get_standing = GetStanding(reader, waiting, clock)
    list_awarded_badges = ListAwardedBadges(reader, waiting)
    load_badge_definitions = LoadBadgeDefinitions(open_badge_shelf(engine), backfills)

    own = StatsServicer(list_daily_progress, get_standing, list_awarded_badges)
    admin = StatsAdminServicer(
        GetApplied(reader),
        get_standing,
        GetCompletionEffects(reader, get_standing),
        list_daily_progress,
        load_badge_definitions,
    )
    focus_progress = focus.FocusProgressServicer(list_daily_progress, get_standing, list_awarded_badges)
    rpc.add_StatsServiceServicer_to_server(own, server)
    rpc.add_StatsAdminServiceServicer_to_server(admin, server)
    focus_rpc.add_FocusProgressServiceServicer_to_server(focus_progress, server)


async def _serve_until_stopped(settings: Settings) -> None:
    async with serving(settings):
        await stop_requested()


def main() -> None:
    """Serves until SIGTERM or SIGINT."""
    settings = Settings()
    configure_logging("stats", settings.log_level)
    asyncio.run(_serve_until_stopped(settings))


if __name__ == "__main__":
    main()
