"""A running stats server, its clients, and a clock that stands still."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from typing import Any, TypeAlias

import grpc
import pytest
from practice.products.focus.v1 import focus_service_pb2_grpc as focus_rpc
from practice.stats.v1 import explanation_service_pb2_grpc as explanation_rpc
from practice.stats.v1 import stats_service_pb2_grpc as rpc
from practice.stats.v1 import streak_service_pb2_grpc as streak_rpc

from service_kit.grpc.guards import INTERNAL_KEY
from stats_service.main import serving
from stats_service.settings import Settings
from tests.calendars import FakeCalendarService, serving_calendars

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


@pytest.fixture
async def calendar_service_at(internal_token: str) -> AsyncIterator[tuple[FakeCalendarService, str]]:
    async with serving_calendars(internal_token) as running:
        yield running


@pytest.fixture
def calendar_service(calendar_service_at: tuple[FakeCalendarService, str]) -> FakeCalendarService:
    """What a session service was told of users."""
    return calendar_service_at[0]


@pytest.fixture
def chosen() -> dict[str, Any]:
    """Settings that a test chooses for the server."""
    return {}


@pytest.fixture
async def channel(
    service_settings: dict[str, Any],
    fresh_database_url: str,
    redis_url: str,
    calendar_service_at: tuple[FakeCalendarService, str],
    chosen: dict[str, Any],
) -> AsyncIterator[grpc.aio.Channel]:
    here = {"database_url": fresh_database_url, "session_address": calendar_service_at[1]}
    settings = {**service_settings, **here, **chosen}
    async with (
        serving(Settings(**settings, redis_url=redis_url, wait_seconds=0.4), clock=lambda: NOW) as server,
        grpc.aio.insecure_channel(f"127.0.0.1:{server.port}") as channel,
    ):
        yield channel


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
