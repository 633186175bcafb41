"""Wires the catalog and serves it: `python -m catalog_service.main`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import grpc
from practice.catalog.v1 import catalog_service_pb2_grpc, problem_service_pb2_grpc
from practice.products.design.v1 import design_problems_service_pb2_grpc
from sqlalchemy.ext.asyncio import AsyncEngine

from catalog_service.adapters.db.personal_data import open_personal_data
from catalog_service.adapters.db.tables import idempotency
from catalog_service.adapters.db.unit_of_work import units_of_work
from catalog_service.adapters.grpc import admin_servicer, problem_servicer, servicer
from catalog_service.adapters.grpc.products.design import errors as design_errors
from catalog_service.adapters.grpc.products.design import servicer as design
from catalog_service.application.achievements import ListAchievements, LoadAchievements
from catalog_service.application.activities import (
    GetActivity,
    ListActivities,
    ListContentItems,
    LoadActivities,
)
from catalog_service.application.exercises import GetExercise, ListExercises, LoadExercises
from catalog_service.application.lookup import BatchGetAnswerKeys, FindContent
from catalog_service.application.ports.unit_of_work import UnitOfWorkFactory
from catalog_service.application.problems import (
    CreateProblem,
    DeleteProblem,
    GetProblem,
    ListProblems,
    LoadProblems,
    UpdateProblem,
)
from catalog_service.application.sequences import GetSequence, ListSequences, LoadSequences
from catalog_service.settings import Settings
from contract_kit import personal_data
from contract_kit.calendars import CalendarSender
from contract_kit.revocations import polling_revocations
from service_kit.db.engines import close_async_engine, open_async_engine
from service_kit.db.idempotency import IdempotencyHousekeeping, SqlSavedResponses
from service_kit.grpc.channels import open_channel
from service_kit.grpc.guards import Access
from service_kit.grpc.interceptor import CallInterceptor
from service_kit.grpc.server import RunningServer, build_server, start_server
from service_kit.logging import configure_logging
from service_kit.periodic import repeating
from service_kit.process import return_what_is_freed, run, stop_requested
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
    session = open_channel(settings.session_address)
    zones = ZoneHandover(CalendarSender(session, settings.internal_token()))
    revocations = Revocations(settings.access_lifetime)
    server = build_server(_interceptor(settings, zones, engine, revocations))
    try:
        async with polling_revocations(settings, revocations):
            running = await start_server(
                server,
                settings.listen,
                [lambda server: _register(server, settings, units, engine)],
                reflection=settings.grpc_reflection,
            )
            try:
                async with (
                    repeating(IdempotencyHousekeeping(engine, idempotency), settings.housekeeping_seconds),
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
        presenters={design.SERVICE: design_errors.present},
        on_admitted=zones,
        responses=SqlSavedResponses(engine, idempotency),
        max_deadline_seconds=settings.max_deadline_seconds,
        limits=settings.limits(),
        pace=settings.pace(),
    )


def _register(
    server: grpc.aio.Server, settings: Settings, units: UnitOfWorkFactory, engine: AsyncEngine
) -> None:
    problems = _problems(units, settings)
    catalog_service_pb2_grpc.add_CatalogServiceServicer_to_server(
        servicer.CatalogServicer(_catalog(units)), server
    )
    catalog_service_pb2_grpc.add_CatalogAdminServiceServicer_to_server(
        admin_servicer.CatalogAdminServicer(_admin(units)), server
    )
    problem_service_pb2_grpc.add_ProblemServiceServicer_to_server(
        problem_servicer.ProblemServicer(problems), server
    )
    design_problems_service_pb2_grpc.add_DesignProblemsServiceServicer_to_server(
        design.DesignProblemsServicer(problems), server
    )
    data = open_personal_data(engine)
    personal_data.register_personal_data(server, data.export, data.erase)


def _catalog(units: UnitOfWorkFactory) -> servicer.UseCases:
    return servicer.UseCases(
        get_exercise=GetExercise(units),
        list_exercises=ListExercises(units),
        get_activity=GetActivity(units),
        list_activities=ListActivities(units),
        get_sequence=GetSequence(units),
        list_sequences=ListSequences(units),
    )


def _admin(units: UnitOfWorkFactory) -> admin_servicer.UseCases:
    return admin_servicer.UseCases(
        batch_get_answer_keys=BatchGetAnswerKeys(units),
        find_content=FindContent(units),
        list_content_items=ListContentItems(units),
        list_achievements=ListAchievements(units),
        load_exercises=LoadExercises(units),
        load_activities=LoadActivities(units),
        load_sequences=LoadSequences(units),
        load_problems=LoadProblems(units),
        load_achievements=LoadAchievements(units),
    )


def _problems(units: UnitOfWorkFactory, settings: Settings) -> problem_servicer.UseCases:
    return problem_servicer.UseCases(
        create_problem=CreateProblem(units, settings.quota_problems),
        get_problem=GetProblem(units),
        list_problems=ListProblems(units),
        update_problem=UpdateProblem(units),
        delete_problem=DeleteProblem(units),
    )


async def _serve_until_stopped(settings: Settings) -> None:
    async with serving(settings):
        await stop_requested()


def main() -> None:
    """Serves until SIGTERM or SIGINT."""
    settings = read_settings(Settings)
    configure_logging("catalog", settings.log_level)
    return_what_is_freed()
    run(_serve_until_stopped(settings))


if __name__ == "__main__":
    main()
