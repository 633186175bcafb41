"""Wires the catalog and serves it: `python -m catalog_service.main`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import grpc
from practice.catalog.v1 import catalog_service_pb2_grpc, problem_service_pb2_grpc
from practice.products.design.v1 import design_problems_service_pb2_grpc
from sqlalchemy.ext.asyncio import AsyncEngine

from catalog_service.adapters.db.personal_data import open_personal_data
from catalog_service.adapters.db.tables import idempotency
from catalog_service.adapters.db.unit_of_work import units_of_work
from catalog_service.adapters.grpc import admin_servicer, problem_servicer
from catalog_service.adapters.grpc.admin_servicer import CatalogAdminServicer
from catalog_service.adapters.grpc.problem_servicer import ProblemServicer
from catalog_service.adapters.grpc.products import design
from catalog_service.adapters.grpc.products.design import DesignProblemsServicer
from catalog_service.adapters.grpc.servicer import CatalogServicer
from catalog_service.application.forget_expired import ForgetExpired
from catalog_service.application.use_cases import UseCases, build_use_cases
from catalog_service.settings import Settings
from contract_kit import personal_data
from contract_kit.calendars import CalendarSender
from contract_kit.revocations import polling_revocations
from service_kit.db.engines import close_async_engine, open_async_engine
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


@asynccontextmanager
async def serving(settings: Settings) -> AsyncIterator[RunningServer]:
    """Runs the service for the duration of a block, then lets calls under way finish."""
    engine = open_async_engine(
        settings.database_url, pool_size=settings.database_pool_size, application="catalog"
    )
    units = units_of_work(engine)
    use_cases = build_use_cases(units, most_problems=settings.quota_problems)
    session = open_channel(settings.session_address)
    zones = ZoneHandover(CalendarSender(session, settings.internal_token()))
    revocations = Revocations(settings.access_lifetime)
    server = build_server(_interceptor(settings, zones, engine, revocations))
    try:
        async with polling_revocations(settings, revocations):
            running = await start_server(
                server,
                settings.listen,
                [lambda server: _register(server, use_cases, engine)],
                reflection=settings.grpc_reflection,
            )
            try:
                async with (
                    repeating(ForgetExpired(units), settings.housekeeping_seconds),
                    repeating(WriteHealth(engine, running), EVERY_SECONDS),
                ):
                    yield running
            finally:
                await running.stop(settings.shutdown_grace_seconds)
    finally:
        await session.close()
        await close_async_engine(engine)


def _interceptor(
    settings: Settings, zones: ZoneHandover, engine: AsyncEngine, revocations: Revocations
) -> CallInterceptor:
    access = Access(
        TokenVerifier(settings.jwks_uri, settings.jwt_issuer, settings.access_lifetime, revocations),
        settings.internal_token(),
        internal=frozenset({admin_servicer.SERVICE, personal_data.SERVICE}),
        public=problem_servicer.PUBLIC | design.PUBLIC,
    )
    return CallInterceptor(
        access,
        presenters={design.SERVICE: design.present},
        on_admitted=zones,
        responses=SqlSavedResponses(engine, idempotency),
        max_deadline_seconds=settings.max_deadline_seconds,
        limits=settings.limits(),
        pace=settings.pace(),
    )


def _register(server: grpc.aio.Server, use_cases: UseCases, engine: AsyncEngine) -> None:
    data = open_personal_data(engine)
    catalog_service_pb2_grpc.add_CatalogServiceServicer_to_server(CatalogServicer(use_cases), server)
    catalog_service_pb2_grpc.add_CatalogAdminServiceServicer_to_server(
        CatalogAdminServicer(use_cases), server
    )
    personal_data.register_personal_data(server, data.export, data.erase)
    problem_service_pb2_grpc.add_ProblemServiceServicer_to_server(ProblemServicer(use_cases), server)
    design_problems_service_pb2_grpc.add_DesignProblemsServiceServicer_to_server(
        DesignProblemsServicer(use_cases), server
    )


async def _serve_until_stopped(settings: Settings) -> None:
    async with serving(settings):
        await stop_requested()


def main() -> None:
    """Serves until SIGTERM or SIGINT."""
    settings = read_settings(Settings)
    configure_logging("catalog", settings.log_level)
    return_what_is_freed()
    asyncio.run(_serve_until_stopped(settings))


if __name__ == "__main__":
    main()
