"""Wires the stats service and serves it: `python -m stats_service.main`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncEngine

from contract_kit.calendars import CalendarSender
from contract_kit.revocations import polling_revocations
from service_kit.broker import COUNTED_HINTS, open_broker
from service_kit.db.engines import close_async_engine, open_async_engine, open_engine
from service_kit.db.idempotency import IdempotencyHousekeeping, SqlSavedResponses
from service_kit.grpc.channels import open_channel
from service_kit.grpc.guards import Access
from service_kit.grpc.interceptor import CallInterceptor
from service_kit.grpc.server import RunningServer, build_server, start_server
from service_kit.hints import LOOKS_WITHOUT_HINTS, HeardPlaces, LookSeldom, hearing_hints
from service_kit.logging import configure_logging
from service_kit.periodic import repeating
from service_kit.process import return_what_is_freed, run, stop_requested
from service_kit.revocations import Revocations
from service_kit.setting_faults import read_settings
from service_kit.tokens import TokenVerifier
from service_kit.write_health import EVERY_SECONDS, WriteHealth
from service_kit.zone_handover import ZoneHandover
from stats_service import wiring
from stats_service.adapters.celery.tasks import CeleryBackfillQueue
from stats_service.adapters.db.housekeeping import forgetting_reports
from stats_service.adapters.db.reader import SqlReader
from stats_service.adapters.db.tables import idempotency
from stats_service.adapters.grpc.products.focus import servicer as focus
from stats_service.adapters.grpc.products.focus.errors import present as present_focus
from stats_service.application.freshness import LookAtFollowed, Waiting
from stats_service.application.housekeeping import ForgetReports
from stats_service.application.ports.clock import Clock
from stats_service.application.today import Today
from stats_service.explanations import wiring as explanations
from stats_service.leaderboards import wiring as leaderboards
from stats_service.recalculation import wiring as recalculation
from stats_service.reconciliation import wiring as reconciliation
from stats_service.settings import EVENTS, Settings

INTERNAL = wiring.INTERNAL | explanations.INTERNAL | recalculation.INTERNAL | reconciliation.INTERNAL


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
        presenters={focus.SERVICE: present_focus},
        # Once its statements have read the zone in force along.
        on_handled=ZoneHandover(CalendarSender(session, settings.internal_token())),
        responses=SqlSavedResponses(engine, idempotency),
        max_deadline_seconds=settings.max_deadline_seconds,
        limits=settings.limits(),
        pace=settings.pace(),
        events=EVENTS,
    )
    server = build_server(interceptor)
    broker = open_broker(settings.redis_url, "stats-server")
    backfills = CeleryBackfillQueue(broker)
    reader = SqlReader(engine)
    # Who waits looks first, so nothing has to be remembered for them.
    heard = HeardPlaces(remembered=0)
    waiting = Waiting(reader, heard, settings.wait_seconds)
    today = Today(reader, waiting, clock)
    try:
        wiring.register_progress(
            server, engine, backfills, waiting, followers=heard, today=today, clock=clock
        )
        wiring.register_badges(server, engine, examining, waiting, clock)
        leaderboards.register_boards(
            server, engine, today, clock, timedelta(hours=settings.leaderboard_grace_hours)
        )
        wiring.register_summaries(server, engine, today)
        wiring.register_streaks(
            server,
            engine,
            backfills,
            today,
            clock,
            freeze_limit=settings.freeze_limit,
            freeze_purchases=settings.freeze_purchases,
        )
        explanations.register_explanations(server, engine, clock)
        recalculation.register_recalculations(server, engine, broker)
        reconciliation.register_reconciliation_service(server, engine, broker)
        async with (
            polling_revocations(settings, revocations),
            hearing_hints(settings.redis_url, COUNTED_HINTS, heard.hear) as listener,
        ):
            look = LookSeldom(LookAtFollowed(reader, heard), lambda: listener.hears, LOOKS_WITHOUT_HINTS)
            running = await start_server(server, settings.listen, [], reflection=settings.grpc_reflection)
            try:
                async with (
                    repeating(look, settings.watch_look_seconds / LOOKS_WITHOUT_HINTS),
                    repeating(IdempotencyHousekeeping(engine, idempotency), settings.housekeeping_seconds),
                    repeating(_forget_reports(settings, engine), settings.housekeeping_seconds),
                    repeating(wiring.catching_up(engine, backfills), settings.housekeeping_seconds),
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


def _forget_reports(settings: Settings, engine: AsyncEngine) -> ForgetReports:
    return ForgetReports(forgetting_reports(engine, timedelta(days=settings.report_days)))


async def _serve_until_stopped(settings: Settings) -> None:
    async with serving(settings):
        await stop_requested()


def main() -> None:
    """Serves until SIGTERM or SIGINT."""
    settings = read_settings(Settings)
    configure_logging("stats", settings.log_level)
    return_what_is_freed()
    run(_serve_until_stopped(settings))


if __name__ == "__main__":
    main()
