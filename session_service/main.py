"""The session service's process: the only place that sees everything and wires it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial

import grpc
from practice.products.design.v1.design_sessions_service_pb2_grpc import (
    add_DesignSessionsServiceServicer_to_server,
)
from practice.products.exercises.v1.exercises_service_pb2_grpc import add_ExercisesServiceServicer_to_server
from practice.products.focus.v1.focus_service_pb2_grpc import add_FocusServiceServicer_to_server
from practice.products.portal.v1.portal_service_pb2_grpc import (
    add_PortalLiveServiceServicer_to_server,
    add_PortalServiceServicer_to_server,
)
from practice.products.yoga.v1.yoga_service_pb2_grpc import add_YogaServiceServicer_to_server
from practice.session.v1.calendar_service_pb2_grpc import (
    add_CalendarServiceServicer_to_server,
    add_LearnerAdminServiceServicer_to_server,
)
from practice.session.v1.outbox_admin_service_pb2_grpc import add_OutboxAdminServiceServicer_to_server
from practice.session.v1.product_admin_service_pb2_grpc import add_ProductAdminServiceServicer_to_server
from practice.session.v1.reconciliation_service_pb2_grpc import (
    add_ReconciliationAdminServiceServicer_to_server,
)
from practice.session.v1.session_service_pb2_grpc import (
    add_SessionExportServiceServicer_to_server,
    add_SessionServiceServicer_to_server,
)
from practice.session.v1.submission_service_pb2_grpc import add_SubmissionServiceServicer_to_server
from practice.session.v1.sync_service_pb2_grpc import add_SyncServiceServicer_to_server
from redis.asyncio import Redis
from sqlalchemy.ext.asyncio import AsyncEngine

from contract_kit import personal_data
from contract_kit.revocations import polling_revocations
from service_kit.broker import COMPLETIONS_QUEUE, TaskQueue
from service_kit.call import Call
from service_kit.db.engines import close_async_engine, open_async_engine
from service_kit.db.idempotency import SqlSavedResponses
from service_kit.grpc.channels import open_channel
from service_kit.grpc.guards import Access
from service_kit.grpc.interceptor import CallInterceptor
from service_kit.grpc.server import RunningServer, build_server, start_server
from service_kit.hints import (
    LOOKS_WITHOUT_HINTS,
    RENEWAL_SECONDS,
    HintListener,
    HintSender,
    LookSeldom,
    exchanging_hints,
)
from service_kit.logging import configure_logging
from service_kit.once import SavedResponses
from service_kit.periodic import repeating
from service_kit.process import return_what_is_freed, run, stop_requested
from service_kit.revocations import Revocations
from service_kit.setting_faults import read_settings
from service_kit.tokens import TokenVerifier
from service_kit.worker_threads import WorkerThreads
from service_kit.write_health import EVERY_SECONDS, WriteHealth
from session_service import wiring
from session_service.adapters.catalog.client import CatalogClient
from session_service.adapters.celery.publisher import EventPublisher, FastPublisher
from session_service.adapters.db import tables
from session_service.adapters.db.answers import SqlAnswerStore
from session_service.adapters.db.changes import SqlChangeStore
from session_service.adapters.db.combined import Connections, RecentSessions
from session_service.adapters.db.drafts import SqlDraftStore
from session_service.adapters.db.learners import SqlCalendarReaders
from session_service.adapters.db.personal_data import open_personal_data
from session_service.adapters.db.products import SqlProducts
from session_service.adapters.db.readers import SqlReaders
from session_service.adapters.db.starts import SqlStartStore
from session_service.adapters.db.submissions import SqlSubmissionReaders
from session_service.adapters.db.unit_of_work import SqlUnitOfWork
from session_service.adapters.db.workspaces import SqlWorkspaceReaders
from session_service.adapters.events import encode
from session_service.adapters.grpc import calendar_servicer, session_servicer
from session_service.adapters.grpc.calendar_servicer import LearnerAdminServicer
from session_service.adapters.grpc.products.design import bodies as design_bodies
from session_service.adapters.grpc.products.design import errors as design_errors
from session_service.adapters.grpc.products.design import servicer as design
from session_service.adapters.grpc.products.exercises import errors as exercises_errors
from session_service.adapters.grpc.products.exercises import servicer as exercises
from session_service.adapters.grpc.products.focus import errors as focus_errors
from session_service.adapters.grpc.products.focus import servicer as focus
from session_service.adapters.grpc.products.portal import bodies as portal_bodies
from session_service.adapters.grpc.products.portal import errors as portal_errors
from session_service.adapters.grpc.products.portal import servicer as portal
from session_service.adapters.grpc.products.portal.live_servicer import LISTEN
from session_service.adapters.grpc.products.portal.requests import PRODUCT as PORTAL
from session_service.adapters.grpc.products.yoga import errors as yoga_errors
from session_service.adapters.grpc.products.yoga import servicer as yoga
from session_service.adapters.redis.cache import RedisCache, RedisMemory
from session_service.adapters.redis.client import PREFIX, BestEffort, RedisLine, open_redis
from session_service.adapters.redis.rate_limits import RedisRateLimits
from session_service.adapters.signals import CommitListener, JournalSignals, LookForChanges
from session_service.adapters.stats.client import CountedEvents, StatisticsClient
from session_service.application.account_limits import AccountLimits
from session_service.application.calendars import RememberCalendar
from session_service.application.personal_data import ErasePersonalData
from session_service.application.ports.drafts import DraftStore
from session_service.application.ports.unit_of_work import UnitOfWorkFactory
from session_service.application.session_changes import SessionChanges
from session_service.application.start_session import CombinedStarts
from session_service.application.submit_answers import CombinedAnswers
from session_service.offline.sql import SqlOfflineUnitOfWork
from session_service.outbox.grpc import OUTBOX_ADMIN, RECONCILIATION_ADMIN
from session_service.outbox.record_sql import SqlEventRecord
from session_service.outbox.sql import SqlOutboxAdmin
from session_service.publication import grpc as publication_servicer
from session_service.publication.sql import SqlPublishedProducts
from session_service.settings import EVENTS, SessionSettings
from session_service.wiring import Ports

INTERNAL_SERVICES = frozenset(
    {
        personal_data.SERVICE,
        RECONCILIATION_ADMIN,
        calendar_servicer.ADMIN_SERVICE,
        OUTBOX_ADMIN,
        publication_servicer.SERVICE,
        session_servicer.EXPORT_SERVICE,
    }
)

PRESENTERS = {
    design.SERVICE: design_errors.present,
    exercises.SERVICE: exercises_errors.present,
    focus.SERVICE: focus_errors.present,
    portal.SERVICE: portal_errors.present,
    yoga.SERVICE: yoga_errors.present,
}

_CHANGED_SESSIONS = f"{PREFIX}changed"
# Of those in the pool: answers and changes of sessions are written at the same time.
_COMBINED_CONNECTIONS = 2
# What these answer hangs on the zone in force, and one of them changes it.
_CALENDARS = f"/{calendar_servicer.SERVICE}/"


def utc_now() -> datetime:
    """Returns the present instant."""
    return datetime.now(UTC)


@asynccontextmanager
async def serving(settings: SessionSettings) -> AsyncIterator[RunningServer]:
    """Serves and publishes until the block is left, then lets go of everything."""
    combined_size = min(_COMBINED_CONNECTIONS, settings.database_pool_size - 1) or 1
    pool_size = max(1, settings.database_pool_size - combined_size)
    engine = open_async_engine(settings.database_url, pool_size=pool_size, application="session")
    combined = Connections(settings.database_url, combined_size)
    catalog, stats = open_channel(settings.catalog_address), open_channel(settings.stats_address)
    redis = open_redis(settings.redis_url)
    counted = CountedEvents(redis)
    line = RedisLine(redis)
    publisher = FastPublisher(EventPublisher(TaskQueue(line, COMPLETIONS_QUEUE, "session")), counted)
    publisher.start()
    documents = WorkerThreads("documents", settings.max_waiting_documents)
    try:
        signals = JournalSignals()
        revocations = Revocations(settings.access_lifetime)
        hints = HintSender(redis, _CHANGED_SESSIONS)
        listener = HintListener(
            redis, _CHANGED_SESSIONS, signals.notify, hints.name, attended=signals.attended
        )
        outside = _Outside(
            engine, combined, catalog, stats, publisher, redis, line, documents, revocations, hints, counted
        )
        async with (
            polling_revocations(settings, revocations),
            exchanging_hints(hints, listener, counted.listener),
        ):
            running = await _start(settings, outside, signals)
            try:
                look = LookForChanges(signals, SqlReaders(engine).versions)
                seldom = LookSeldom(look, lambda: listener.hears, LOOKS_WITHOUT_HINTS)
                async with (
                    repeating(seldom, settings.watch_look_seconds / LOOKS_WITHOUT_HINTS),
                    repeating(listener.renew, RENEWAL_SECONDS),
                    repeating(WriteHealth(engine, running), EVERY_SECONDS),
                ):
                    yield running
            finally:
                await running.stop(settings.shutdown_grace_seconds)
    finally:
        documents.close()
        await publisher.stop()
        await redis.aclose()
        await catalog.close()
        await stats.close()
        await combined.close()
        await close_async_engine(engine)


@dataclass(frozen=True, slots=True)
class _Outside:
    """What the service has open."""

    engine: AsyncEngine
    combined: Connections
    catalog: grpc.aio.Channel
    stats: grpc.aio.Channel
    publisher: FastPublisher
    redis: Redis
    line: RedisLine
    documents: WorkerThreads
    revocations: Revocations
    hints: HintSender
    counted: CountedEvents


async def _start(settings: SessionSettings, outside: _Outside, signals: JournalSignals) -> RunningServer:
    after_commit = CommitListener(outside.publisher, signals, outside.hints)
    recent = RecentSessions()
    events = (encode, after_commit, timedelta(seconds=settings.outbox_first_wait_seconds))
    transaction = (outside.engine, *events)
    unit_of_work = partial(SqlUnitOfWork, *transaction)
    ports = _ports(
        settings,
        outside,
        signals,
        unit_of_work=unit_of_work,
        combined_starts=CombinedStarts(SqlStartStore(outside.combined, recent), settings.quota_open_sessions),
        combined_answers=CombinedAnswers(SqlAnswerStore(outside.combined, after_commit, recent), utc_now),
        drafts=SqlDraftStore(outside.combined, after_commit),
        changes=SessionChanges(unit_of_work, SqlChangeStore(outside.combined, *events, recent), utc_now),
    )
    remember_calendar = wiring.wire_remember_calendar(ports)
    responses = SqlSavedResponses(outside.engine, tables.idempotency)
    interceptor = _interceptor(settings, outside, remember_calendar, responses)
    server = build_server(interceptor)
    max_age = timedelta(days=settings.sync_max_age_days)
    sync = wiring.wire_sync(ports, partial(SqlOfflineUnitOfWork, *transaction), max_age, responses)
    add_SyncServiceServicer_to_server(sync, server)
    _add_core(server, ports)
    _add_products(server, settings, outside, ports)
    live = wiring.wire_portal_live(ports, interceptor.serve_shared)
    add_PortalLiveServiceServicer_to_server(live, server)
    _add_internal(server, outside, ports, remember_calendar)
    return await start_server(server, settings.listen, [], reflection=settings.grpc_reflection)


def _ports(
    settings: SessionSettings,
    outside: _Outside,
    signals: JournalSignals,
    *,
    unit_of_work: UnitOfWorkFactory,
    combined_starts: CombinedStarts,
    combined_answers: CombinedAnswers,
    changes: SessionChanges,
    drafts: DraftStore,
) -> Ports:
    readers = SqlReaders(outside.engine)
    return Ports(
        unit_of_work=unit_of_work,
        combined_starts=combined_starts,
        combined_answers=combined_answers,
        changes=changes,
        readers=readers,
        drafts=drafts,
        submissions=SqlSubmissionReaders(outside.engine),
        workspaces=SqlWorkspaceReaders(outside.engine),
        calendars=SqlCalendarReaders(outside.engine),
        products=SqlProducts(outside.engine),
        catalog=CatalogClient(outside.catalog, settings.internal_token()),
        statistics=StatisticsClient(outside.stats, settings.internal_token(), outside.counted),
        signals=signals,
        clock=utc_now,
        run_in_thread=outside.documents,
        limits=AccountLimits(
            RedisRateLimits(outside.line, BestEffort()),
            readers,
            settings.quotas(),
            {PORTAL: settings.pace_of_portal()},
        ),
    )


def _interceptor(
    settings: SessionSettings,
    outside: _Outside,
    remember_calendar: RememberCalendar,
    responses: SavedResponses,
) -> CallInterceptor:
    async def on_admitted(method: str, call: Call) -> None:
        if method.startswith(_CALENDARS) or remember_calendar.is_sign_up(call):
            await remember_calendar.of_call(call)

    async def on_handled(method: str, call: Call) -> None:
        if not method.startswith(_CALENDARS):
            await remember_calendar.of_call(call)

    return CallInterceptor(
        Access(
            TokenVerifier(
                settings.jwks_uri, settings.jwt_issuer, settings.access_lifetime, outside.revocations
            ),
            settings.internal_token(),
            internal=INTERNAL_SERVICES,
        ),
        presenters=PRESENTERS,
        # Every call that is let in may write, also one that reads: the time zone that the client sends is
        # put in force, in a transaction of its own, when it is news. Whether it is, most have read along.
        on_admitted=on_admitted,
        on_handled=on_handled,
        responses=responses,
        raw_readers={**design_bodies.READERS, **portal_bodies.READERS},
        run_in_thread=outside.documents,
        max_deadline_seconds=settings.max_deadline_seconds,
        limits=settings.limits(),
        pace=settings.pace(),
        shared=(LISTEN,),
        events=EVENTS,
    )


def _add_core(server: grpc.aio.Server, ports: Ports) -> None:
    add_SessionServiceServicer_to_server(wiring.wire_sessions(ports), server)
    add_SubmissionServiceServicer_to_server(wiring.wire_submissions(ports), server)
    add_CalendarServiceServicer_to_server(wiring.wire_calendars(ports), server)


def _add_products(
    server: grpc.aio.Server, settings: SessionSettings, outside: _Outside, ports: Ports
) -> None:
    cache = RedisCache(outside.redis, BestEffort())
    lifetimes = portal.Lifetimes(
        history=timedelta(seconds=settings.portal_history_cache_seconds),
        details=timedelta(seconds=settings.portal_details_cache_seconds),
    )
    add_DesignSessionsServiceServicer_to_server(wiring.wire_design(ports), server)
    add_ExercisesServiceServicer_to_server(wiring.wire_exercises(ports), server)
    add_FocusServiceServicer_to_server(wiring.wire_focus(ports), server)
    add_PortalServiceServicer_to_server(wiring.wire_portal(ports, cache, lifetimes), server)
    add_YogaServiceServicer_to_server(wiring.wire_yoga(ports), server)


def _add_internal(
    server: grpc.aio.Server, outside: _Outside, ports: Ports, remember_calendar: RememberCalendar
) -> None:
    outbox = wiring.wire_outbox(SqlOutboxAdmin(outside.engine))
    reconciliation = wiring.wire_reconciliation(SqlEventRecord(outside.engine, encode), encode)
    add_SessionExportServiceServicer_to_server(wiring.wire_exports(ports), server)
    add_OutboxAdminServiceServicer_to_server(outbox, server)
    add_ReconciliationAdminServiceServicer_to_server(reconciliation, server)
    published = SqlPublishedProducts(outside.engine)
    products = wiring.wire_publication(ports, published.open, published)
    add_ProductAdminServiceServicer_to_server(products, server)
    add_LearnerAdminServiceServicer_to_server(LearnerAdminServicer(remember_calendar), server)
    data = open_personal_data(outside.engine)
    memory = RedisMemory(outside.redis, BestEffort())
    personal_data.register_personal_data(server, data.export, ErasePersonalData(data, memory))


async def serve(settings: SessionSettings) -> None:
    """Serves until SIGTERM or SIGINT."""
    async with serving(settings):
        await stop_requested()


def main() -> None:
    """Reads the settings and serves."""
    settings = read_settings(SessionSettings)
    configure_logging("session", settings.log_level)
    return_what_is_freed()
    run(serve(settings))


if __name__ == "__main__":
    main()
