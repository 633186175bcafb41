"""Wires the catalog and serves it: `python -m catalog_service.main`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import grpc
from practice.catalog.v1 import catalog_service_pb2_grpc as rpc
from sqlalchemy.ext.asyncio import AsyncEngine

from catalog_service.adapters.db.unit_of_work import units_of_work
from catalog_service.adapters.grpc.servicer import CatalogAdminServicer, CatalogServicer
from catalog_service.application.batch_get_answer_keys import BatchGetAnswerKeys
from catalog_service.application.find_content import FindContent
from catalog_service.application.get_exercise import GetExercise
from catalog_service.application.list_exercises import ListExercises
from catalog_service.application.load_exercises import LoadExercises
from catalog_service.settings import Settings
from service_kit.db.engines import open_async_engine
from service_kit.grpc.guards import Access
from service_kit.grpc.interceptor import CallInterceptor
from service_kit.grpc.server import RunningServer, build_server, start_server, stop_requested
from service_kit.logging import configure_logging
from service_kit.tokens import TokenVerifier

INTERNAL = frozenset({"practice.catalog.v1.CatalogAdminService"})


@asynccontextmanager
async def serving(settings: Settings) -> AsyncIterator[RunningServer]:
    """Runs the service for the duration of a block, then lets calls under way finish."""
    engine = open_async_engine(
        settings.database_url, pool_size=settings.database_pool_size, application="catalog"
    )
    access = Access(
        TokenVerifier(settings.jwks_uri, settings.jwt_issuer), settings.internal_token(), internal=INTERNAL
    )
    interceptor = CallInterceptor(access, max_deadline_seconds=settings.max_deadline_seconds)
    server = build_server(interceptor, max_concurrent_rpcs=settings.max_concurrent_rpcs)
    try:
        running = await start_server(server, settings.listen, [lambda server: _register(server, engine)])
        try:
            yield running
        finally:
            await running.stop(settings.shutdown_grace_seconds)
    finally:
        await engine.dispose()


def _register(server: grpc.aio.Server, engine: AsyncEngine) -> None:
    units = units_of_work(engine)
    learners = CatalogServicer(GetExercise(units), ListExercises(units))
    authors = CatalogAdminServicer(BatchGetAnswerKeys(units), FindContent(units), LoadExercises(units))
    rpc.add_CatalogServiceServicer_to_server(learners, server)
    rpc.add_CatalogAdminServiceServicer_to_server(authors, server)


async def _serve_until_stopped(settings: Settings) -> None:
    async with serving(settings):
        await stop_requested()


def main() -> None:
    """Serves until SIGTERM or SIGINT."""
    settings = Settings()
    configure_logging("catalog", settings.log_level)
    asyncio.run(_serve_until_stopped(settings))


if __name__ == "__main__":
    main()
