"""The portal between a catalog with words and a stats service that says what a test tells it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

import grpc
import pytest
from practice.products.portal.v1 import portal_service_pb2_grpc as rpc

from deploy.local.servers import Server, start_redis
from session_service.main import serving
from session_service.settings import SessionSettings
from tests.session_service.adapters.grpc.products.portal.clients import Client
from tests.session_service.catalog import Catalog, serving_catalog
from tests.session_service.clients import Metadata


@pytest.fixture(scope="session")
async def usual_catalog() -> AsyncIterator[tuple[Catalog, str]]:
    async with serving_catalog() as running:
        yield running


@pytest.fixture
async def own_catalog() -> AsyncIterator[tuple[Catalog, str]]:
    async with serving_catalog() as running:
        yield running


@pytest.fixture
def catalog(own_catalog: tuple[Catalog, str]) -> Catalog:
    """The content of a catalog of the test's own, which it may change and stop."""
    return own_catalog[0]


@pytest.fixture
def catalog_address(request: pytest.FixtureRequest, usual_catalog: tuple[Catalog, str]) -> str:
    """The catalog that the test takes; of those that take none they share one."""
    chosen: tuple[Catalog, str] = usual_catalog
    if "own_catalog" in request.fixturenames:
        chosen = request.getfixturevalue("own_catalog")
    return chosen[1]


# A server in test has no limits but those a test is about.
@pytest.fixture
def limits() -> dict[str, Any]:
    """The portal's settings."""
    names = ("starts_per_hour", "progress_updates_per_minute", "completions_per_hour")
    return {f"portal_{name}": 1_000_000 for name in names}


@pytest.fixture
def session_settings(session_settings: dict[str, Any], limits: dict[str, Any]) -> dict[str, Any]:
    return {**session_settings, **limits}


@pytest.fixture
def portal(channel: grpc.aio.Channel, me: Metadata) -> Client:
    """A learner in the portal."""
    return Client(rpc.PortalServiceStub(channel), me)


@pytest.fixture
def other(channel: grpc.aio.Channel, somebody: Metadata) -> Client:
    """Another learner in the portal."""
    return Client(rpc.PortalServiceStub(channel), somebody)


@pytest.fixture
def own_redis() -> Iterator[Server]:
    """A Redis to be killed."""
    redis = start_redis()
    yield redis
    redis.stop()


@pytest.fixture
async def on_own_redis(
    session_settings: dict[str, Any], me: Metadata, own_redis: Server
) -> AsyncIterator[Client]:
    """The learner at an instance on that Redis."""
    settings = SessionSettings(**{**session_settings, "redis_url": own_redis.url})
    async with (
        serving(settings) as running,
        grpc.aio.insecure_channel(f"127.0.0.1:{running.port}") as channel,
    ):
        yield Client(rpc.PortalServiceStub(channel), me)
