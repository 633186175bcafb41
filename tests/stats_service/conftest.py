"""A stats database of one's own, the store that writes to it, and a running server with its clients."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any, TypeAlias

import grpc
import pytest
from practice.products.focus.v1 import focus_service_pb2_grpc as focus_rpc
from practice.stats.v1 import explanation_service_pb2_grpc as explanation_rpc
from practice.stats.v1 import stats_service_pb2_grpc as rpc
from practice.stats.v1 import streak_service_pb2_grpc as streak_rpc
from sqlalchemy import Engine, text

from service_kit.db.engines import open_engine
from service_kit.grpc.channels import INTERNAL_KEY
from stats_service.adapters.cel.conditions import compile_condition
from stats_service.adapters.db.learner_store import SqlLearnerStore
from stats_service.application.ingest import Applied, ApplyCalendarChanges, ApplyCompletions, Delivery
from stats_service.domain.calendar import CalendarChange
from stats_service.domain.completion import Completion
from stats_service.main import serving
from stats_service.settings import Settings
from tests.calendars import FakeCalendarService, serving_calendars
from tests.databases import create_database
from tests.shared import Shared, frozen
from tests.stats_service.adapters.db.stored import empty
from tests.stats_service.facts import calendar_event_of, event_of

Apply = Callable[..., Applied[Completion]]
ApplyChanges = Callable[..., Applied[CalendarChange]]


@pytest.fixture(scope="session")
def reused_database_url(server_urls: tuple[str, str], worker_name: str) -> str:
    return create_database(server_urls[0], f"test_{worker_name}_stats")


@pytest.fixture(scope="session")
def reused_engine(reused_database_url: str) -> Iterator[Engine]:
    engine = open_engine(reused_database_url, pool_size=10, application="test")
    yield engine
    engine.dispose()


@pytest.fixture
def fresh_database_url(reused_database_url: str, reused_engine: Engine) -> Iterator[str]:
    """As good as a new database, and much cheaper: emptied after the test, whoever is still at work there."""
    yield reused_database_url
    with reused_engine.begin() as connection:
        connection.execute(OTHERS_LEAVE)
        empty(connection)


# Waits until each is gone, with the locks it has. Connections at rest have none.
OTHERS_LEAVE = text(
    "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
    " WHERE datname = current_database() AND usename = current_user AND pid <> pg_backend_pid()"
    " AND state <> 'idle'"
)


@pytest.fixture
def engine(fresh_database_url: str, reused_engine: Engine) -> Engine:
    return reused_engine


@pytest.fixture
def store(engine: Engine) -> SqlLearnerStore:
    return SqlLearnerStore(engine, compile_condition)


@pytest.fixture
def apply(store: SqlLearnerStore) -> Apply:
    """Applies facts as one batch."""

    def apply_facts(*facts: Completion, **options: Any) -> Applied[Completion]:
        deliveries = [Delivery(event_of(fact).SerializeToString(), fact) for fact in facts]
        return ApplyCompletions(store, **options)(deliveries)

    return apply_facts


@pytest.fixture
def apply_changes(store: SqlLearnerStore) -> ApplyChanges:
    """Applies changes of calendar as one batch."""

    def apply_changes(*changes: CalendarChange) -> Applied[CalendarChange]:
        deliveries = [Delivery(calendar_event_of(change).SerializeToString(), change) for change in changes]
        return ApplyCalendarChanges(store)(deliveries)

    return apply_changes


NOW = datetime(2026, 2, 20, 12, tzinfo=UTC)

Streaks: TypeAlias = "streak_rpc.StreakServiceAsyncStub"
StreakOperators: TypeAlias = "streak_rpc.StreakAdminServiceAsyncStub"
Explanations: TypeAlias = "explanation_rpc.ExplanationServiceAsyncStub"
ExplanationOperators: TypeAlias = "explanation_rpc.ExplanationAdminServiceAsyncStub"
Metadata = tuple[tuple[str, str], ...]


def day(number: int) -> date:
    """Returns the day so many days before today."""
    return NOW.date() - timedelta(days=number)


def days(*numbers: int) -> list[date]:
    """Returns the days so many days before today."""
    return [day(number) for number in numbers]


@pytest.fixture(scope="session")
async def calendar_service_at(internal_token: str) -> AsyncIterator[tuple[FakeCalendarService, str]]:
    async with serving_calendars(internal_token) as running:
        yield running


@pytest.fixture
def calendar_service(calendar_service_at: tuple[FakeCalendarService, str]) -> FakeCalendarService:
    """What a session service was told of users by this test."""
    calendar_service_at[0].forget()
    return calendar_service_at[0]


@pytest.fixture
def chosen() -> dict[str, Any]:
    """Settings that a test chooses for the server."""
    return {}


@pytest.fixture
def stats_settings(
    service_settings: dict[str, Any],
    fresh_database_url: str,
    redis_url: str,
    calendar_service_at: tuple[FakeCalendarService, str],
    chosen: dict[str, Any],
) -> dict[str, Any]:
    """For `serving_channel`."""
    here = {"database_url": fresh_database_url, "session_address": calendar_service_at[1]}
    return {**service_settings, **here, "redis_url": redis_url, "wait_seconds": 0.4, **chosen}


@asynccontextmanager
async def serving_channel(settings: dict[str, Any]) -> AsyncIterator[grpc.aio.Channel]:
    """Yields a channel to a server of its own."""
    async with (
        serving(Settings(**settings), clock=lambda: NOW) as server,
        grpc.aio.insecure_channel(f"127.0.0.1:{server.port}") as channel,
    ):
        yield channel


@pytest.fixture
async def channel(shared: Shared, stats_settings: dict[str, Any]) -> grpc.aio.Channel:
    return await shared.of(("stats", frozen(stats_settings)), lambda: serving_channel(stats_settings))


@pytest.fixture
def stats(channel: grpc.aio.Channel) -> rpc.StatsServiceAsyncStub:
    return rpc.StatsServiceStub(channel)


@pytest.fixture
def admin(channel: grpc.aio.Channel) -> rpc.StatsAdminServiceAsyncStub:
    return rpc.StatsAdminServiceStub(channel)


@pytest.fixture
def focus(channel: grpc.aio.Channel) -> focus_rpc.FocusProgressServiceAsyncStub:
    return focus_rpc.FocusProgressServiceStub(channel)


@pytest.fixture
def streaks(channel: grpc.aio.Channel) -> Streaks:
    return streak_rpc.StreakServiceStub(channel)


@pytest.fixture
def explanations(channel: grpc.aio.Channel) -> Explanations:
    return explanation_rpc.ExplanationServiceStub(channel)


@pytest.fixture
def admin_explanations(channel: grpc.aio.Channel) -> ExplanationOperators:
    return explanation_rpc.ExplanationAdminServiceStub(channel)


@pytest.fixture
def operators(channel: grpc.aio.Channel) -> StreakOperators:
    return streak_rpc.StreakAdminServiceStub(channel)


@pytest.fixture
def internal(internal_token: str) -> tuple[tuple[str, str], ...]:
    """Metadata of a call between services."""
    return ((INTERNAL_KEY, internal_token),)
