"""A running session service between a real catalog and a stats service that remembers."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import Any

import grpc
import pytest
from practice.catalog.v1 import catalog_service_pb2 as catalog_pb
from practice.catalog.v1 import catalog_service_pb2_grpc as catalog_rpc
from practice.catalog.v1 import exercise_pb2
from practice.products.exercises.v1 import exercises_service_pb2_grpc as exercises_rpc
from practice.products.focus.v1 import focus_service_pb2_grpc as focus_rpc
from practice.session.v1 import session_service_pb2_grpc as rpc
from sqlalchemy.ext.asyncio import AsyncEngine

from catalog_service.main import serving as serving_catalog
from catalog_service.settings import Settings as CatalogSettings
from service_kit.call import Call, RequestIdentity
from service_kit.db.engines import close_async_engine, open_async_engine
from service_kit.grpc.channels import INTERNAL_KEY
from service_kit.grpc.server import RunningServer
from session_service.main import serving
from session_service.settings import SessionSettings
from tests.session_service.clients import Learner
from tests.session_service.database import Database
from tests.session_service.memory.world import World
from tests.session_service.statistics import Statistics, serving_statistics
from tests.shared import Shared, frozen
from tests.tokens import TestTokens
from tests.waiting import PATIENCE_SECONDS

Metadata = tuple[tuple[str, str], ...]

_users = itertools.count(1_000_001)
_keys = itertools.count(1)


@pytest.fixture
def new_user() -> Callable[[], int]:
    """Makes the number of a user nobody has seen."""
    return lambda: next(_users)


@pytest.fixture
def user_id(new_user: Callable[[], int]) -> int:
    return new_user()


@pytest.fixture
def me(tokens: TestTokens, user_id: int) -> Metadata:
    """The metadata of a learner's calls."""
    return tokens.bearer(user_id)


@pytest.fixture
def somebody(tokens: TestTokens, new_user: Callable[[], int]) -> Metadata:
    """The metadata of another learner's calls."""
    return tokens.bearer(new_user())


@pytest.fixture(scope="session")
async def engine(database_url: str) -> AsyncIterator[AsyncEngine]:
    """A look into the database, and a hand in it."""
    engine = open_async_engine(database_url, pool_size=30, application="test")
    yield engine
    await close_async_engine(engine)


@pytest.fixture(scope="session")
def internal(internal_token: str) -> Metadata:
    """Metadata of a call between services."""
    return ((INTERNAL_KEY, internal_token),)


@pytest.fixture(scope="session")
async def a_catalog_address(service_settings: dict[str, Any], internal: Metadata) -> AsyncIterator[str]:
    """A catalog with exercise 123, to which `hable` is the answer, and 124."""
    async with serving_catalog(CatalogSettings(**service_settings)) as server:
        address = f"127.0.0.1:{server.port}"
        async with grpc.aio.insecure_channel(address) as channel:
            await catalog_rpc.CatalogAdminServiceStub(channel).LoadExercises(
                catalog_pb.LoadExercisesRequest(exercises=[_exercise(123, "hable"), _exercise(124, "comió")]),
                metadata=internal,
            )
        yield address


@pytest.fixture
def catalog_address(a_catalog_address: str) -> str:
    """The catalog that the session service asks."""
    return a_catalog_address


def _exercise(number: int, answer: str) -> exercise_pb2.ExerciseContent:
    return exercise_pb2.ExerciseContent(
        exercise_id=number,
        prompt="Espero que él ___ pronto.",
        cue="hablar",
        instruction="él/ella",
        language="es",
        difficulty="medium",
        accepted_answers=[answer],
        explanation="A hope takes the subjunctive.",
    )


@pytest.fixture(scope="session")
async def statistics_server() -> AsyncIterator[tuple[Statistics, str]]:
    async with serving_statistics() as running:
        yield running


@pytest.fixture
def statistics_at(statistics_server: tuple[Statistics, str]) -> tuple[Statistics, str]:
    statistics_server[0].forget()
    return statistics_server


@pytest.fixture
def statistics(statistics_at: tuple[Statistics, str]) -> Statistics:
    """The stats service's memory."""
    return statistics_at[0]


@pytest.fixture
def session_settings(
    service_settings: dict[str, Any],
    redis_url: str,
    catalog_address: str,
    statistics_at: tuple[Statistics, str],
) -> dict[str, Any]:
    """For `SessionSettings(**session_settings)`."""
    return {
        **service_settings,
        "redis_url": redis_url,
        "catalog_address": catalog_address,
        "stats_address": statistics_at[1],
        # Races are run by one account; what an account gets is tested where it is asked for.
        "max_documents_per_user": 100,
        # How long a thousand sessions take is the machine's matter.
        "max_deadline_seconds": PATIENCE_SECONDS,
    }


@pytest.fixture
async def server(shared: Shared, session_settings: dict[str, Any]) -> RunningServer:
    """The session service."""
    key = ("session", frozen(session_settings))
    return await shared.of(key, lambda: serving(SessionSettings(**session_settings)))


@pytest.fixture
async def channel(shared: Shared, server: RunningServer) -> grpc.aio.Channel:
    address = f"127.0.0.1:{server.port}"
    return await shared.of(("channel", address), lambda: grpc.aio.insecure_channel(address))


@pytest.fixture
def sessions(channel: grpc.aio.Channel) -> rpc.SessionServiceAsyncStub:
    return rpc.SessionServiceStub(channel)


@pytest.fixture
def learner(sessions: rpc.SessionServiceAsyncStub, me: Metadata) -> Learner:
    return Learner(sessions, me)


@pytest.fixture
def stranger(sessions: rpc.SessionServiceAsyncStub, somebody: Metadata) -> Learner:
    return Learner(sessions, somebody)


@pytest.fixture
def export(channel: grpc.aio.Channel) -> rpc.SessionExportServiceAsyncStub:
    return rpc.SessionExportServiceStub(channel)


@pytest.fixture
def exercises(channel: grpc.aio.Channel) -> exercises_rpc.ExercisesServiceAsyncStub:
    return exercises_rpc.ExercisesServiceStub(channel)


@pytest.fixture
def focus(channel: grpc.aio.Channel) -> focus_rpc.FocusServiceAsyncStub:
    return focus_rpc.FocusServiceStub(channel)


@pytest.fixture
async def database(engine: AsyncEngine) -> AsyncIterator[Database]:
    database = Database(engine)
    yield database
    await database.connections.close()


@pytest.fixture
async def other(engine: AsyncEngine) -> AsyncIterator[Database]:
    """Another process of the service."""
    other = Database(engine)
    yield other
    await other.connections.close()


@pytest.fixture
def keyed(user_id: int) -> Callable[..., Call]:
    """Makes a call of the user's that may be repeated; the same `body` is the same request."""

    def make(key: str | None = None, method: str = "/x/Y", body: str = "") -> Call:
        digest = hashlib.sha256(body.encode()).digest()
        return Call(user_id, request=RequestIdentity(key or f"key-{next(_keys)}", method, digest))

    return make


@pytest.fixture
def world() -> World:
    """The use cases on fakes."""
    return World(datetime(2026, 2, 18, 8, 0, tzinfo=UTC))
