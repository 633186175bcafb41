"""A running catalog service and its clients."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Callable
from typing import Any

import grpc
import pytest
from practice.catalog.v1 import catalog_service_pb2_grpc as rpc
from practice.catalog.v1 import exercise_pb2, problem_service_pb2_grpc
from practice.products.design.v1 import design_problems_service_pb2_grpc

from catalog_service.main import serving
from catalog_service.settings import Settings
from service_kit.grpc.channels import INTERNAL_KEY
from tests.calendars import FakeCalendarService, serving_calendars
from tests.catalog_service.contents import new_number
from tests.tokens import TestTokens

_users = itertools.count(1_000)


@pytest.fixture(scope="session")
async def calendar_service_at(internal_token: str) -> AsyncIterator[tuple[FakeCalendarService, str]]:
    async with serving_calendars(internal_token) as running:
        yield running


@pytest.fixture
def calendar_service(calendar_service_at: tuple[FakeCalendarService, str]) -> FakeCalendarService:
    """What a session service was told of users by this test."""
    calendar_service_at[0].forget()
    return calendar_service_at[0]


@pytest.fixture(scope="session")
async def channel(
    service_settings: dict[str, Any], calendar_service_at: tuple[FakeCalendarService, str]
) -> AsyncIterator[grpc.aio.Channel]:
    async with (
        serving(Settings(**{**service_settings, "session_address": calendar_service_at[1]})) as server,
        grpc.aio.insecure_channel(f"127.0.0.1:{server.port}") as channel,
    ):
        yield channel


@pytest.fixture
def catalog(channel: grpc.aio.Channel) -> rpc.CatalogServiceAsyncStub:
    return rpc.CatalogServiceStub(channel)


@pytest.fixture
def admin(channel: grpc.aio.Channel) -> rpc.CatalogAdminServiceAsyncStub:
    return rpc.CatalogAdminServiceStub(channel)


@pytest.fixture
def problems(channel: grpc.aio.Channel) -> problem_service_pb2_grpc.ProblemServiceAsyncStub:
    return problem_service_pb2_grpc.ProblemServiceStub(channel)


@pytest.fixture
def design(channel: grpc.aio.Channel) -> design_problems_service_pb2_grpc.DesignProblemsServiceAsyncStub:
    return design_problems_service_pb2_grpc.DesignProblemsServiceStub(channel)


@pytest.fixture
def internal(internal_token: str) -> tuple[tuple[str, str], ...]:
    """Metadata of a call between services."""
    return ((INTERNAL_KEY, internal_token),)


@pytest.fixture
def new_user(tokens: TestTokens) -> Callable[[], tuple[tuple[str, str], ...]]:
    """Makes metadata of somebody who never called before."""
    return lambda: tokens.bearer(next(_users))


@pytest.fixture
def ana(new_user: Callable[[], Any]) -> tuple[tuple[str, str], ...]:
    """Metadata of a user of this test alone."""
    return new_user()


@pytest.fixture
def new_content() -> Callable[..., exercise_pb2.ExerciseContent]:
    """Makes content with a number nobody has used."""

    def make(**changes: Any) -> exercise_pb2.ExerciseContent:
        fields: dict[str, Any] = {
            "exercise_id": new_number(),
            "prompt": "Espero que él ___ pronto.",
            "cue": "hablar",
            "instruction": "present subjunctive, él/ella",
            "language": "es",
            "difficulty": "medium",
            "accepted_answers": ["hable", "hablase"],
            "explanation": "The subjunctive follows a hope.",
        }
        return exercise_pb2.ExerciseContent(**{**fields, **changes})

    return make
