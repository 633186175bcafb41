"""The design product between a real catalog with problems and a stats service."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

import grpc
import pytest
from practice.products.design.v1 import design_problems_service_pb2 as problems_pb
from practice.products.design.v1 import design_problems_service_pb2_grpc as problems_rpc
from practice.products.design.v1 import design_sessions_service_pb2_grpc as rpc

from tests.session_service.adapters.grpc.products.design.clients import Client
from tests.session_service.clients import Metadata
from tests.tokens import TestTokens

MakeProblem = Callable[[], Awaitable[str]]


@pytest.fixture
async def problems(catalog_address: str) -> AsyncIterator[problems_rpc.DesignProblemsServiceAsyncStub]:
    async with grpc.aio.insecure_channel(catalog_address) as channel:
        yield problems_rpc.DesignProblemsServiceStub(channel)


@pytest.fixture
def make_problem(problems: problems_rpc.DesignProblemsServiceAsyncStub, me: Metadata) -> MakeProblem:
    """Makes a problem and returns its id."""

    async def make() -> str:
        body = problems_pb.ProblemBody(
            title="Design a URL Shortener Service",
            description="Short addresses.",
            difficulty="medium",
            categories=["Caching"],
            estimated_time="45 mins",
            requirements=["Unique"],
            constraints=["Short"],
            hints=["base62"],
        )
        return (await problems.CreateProblem(body, metadata=me)).problem.id

    return make


@pytest.fixture
async def problem(make_problem: MakeProblem) -> str:
    """A problem's id."""
    return await make_problem()


@pytest.fixture
def ana(channel: grpc.aio.Channel, tokens: TestTokens, user_id: int) -> Client:
    """A learner in the product."""
    email = "ana@example.com"
    return Client(rpc.DesignSessionsServiceStub(channel), tokens.bearer(user_id, email), email)


@pytest.fixture
def berta(channel: grpc.aio.Channel, tokens: TestTokens, new_user: Callable[[], int]) -> Client:
    """Another learner in the product."""
    email = "berta@example.com"
    return Client(rpc.DesignSessionsServiceStub(channel), tokens.bearer(new_user(), email), email)


@pytest.fixture
def wrong_id() -> Callable[[str], list[str]]:
    """Makes ids that name nothing from one that does: of another second, of no second, of no number."""

    def make(right: str) -> list[str]:
        other_second = f"{int(right[:8], 16) + 1:08x}{right[8:]}"
        return [other_second, "507f1f77bcf86cd799439012", "0" * 24, "f" * 24, "7", "x" * 24, right + "0"]

    return make
