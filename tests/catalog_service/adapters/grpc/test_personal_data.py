"""The catalog gives all that it keeps of a person, and forgets them for good."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import grpc
import pytest
from practice.catalog.v1 import problem_service_pb2 as pb
from practice.catalog.v1 import problem_service_pb2_grpc
from practice.products.design.v1 import design_problems_service_pb2 as design_pb
from practice.products.design.v1 import design_problems_service_pb2_grpc

from tests.grpc_errors import refusal
from tests.personal_data import PersonalDataClient, rows_of
from tests.tokens import TestTokens

Metadata = tuple[tuple[str, str], ...]

WRITTEN = {
    "title": "A shop",
    "description": "Design a shop.",
    "difficulty": "easy",
    "categories": ["web"],
    "estimated_time": "45 mins",
    "requirements": ["It sells."],
    "constraints": [],
    "hints": [],
}


@pytest.fixture
def personal_data(channel: grpc.aio.Channel, internal: Metadata) -> PersonalDataClient:
    return PersonalDataClient(channel, internal)


@pytest.fixture
def user_id() -> int:
    # Far from those of other tests of this database.
    return uuid.uuid4().int % 2**40 + 10**9


@pytest.fixture
def author(
    design: design_problems_service_pb2_grpc.DesignProblemsServiceAsyncStub, tokens: TestTokens
) -> Callable[..., Any]:
    """Writes a problem as somebody, under a key."""

    def write(user_id: int) -> Any:
        keyed = (*tokens.bearer(user_id), ("idempotency-key", str(uuid.uuid4())))
        return design.CreateProblem(design_pb.ProblemBody(**WRITTEN), metadata=keyed)

    return write


async def test_the_problems_a_person_wrote_are_in_the_files(
    personal_data: PersonalDataClient, author: Callable[..., Any], user_id: int
) -> None:
    await author(user_id)
    await author(user_id + 1)

    categories = await personal_data.categories(user_id)

    (problem,) = categories["catalog/problems"]
    assert {name: problem[name] for name in WRITTEN} == WRITTEN
    assert problem["owner_id"] == user_id
    (request,) = categories["catalog/requests"]
    assert "request_digest" not in request


async def test_an_erased_author_is_gone_with_their_problems_and_nobody_elses(
    personal_data: PersonalDataClient,
    author: Callable[..., Any],
    problems: problem_service_pb2_grpc.ProblemServiceAsyncStub,
    user_id: int,
    database_url: str,
) -> None:
    await author(user_id)
    await author(user_id + 1)
    (number,) = [each["problem_id"] for each in (await personal_data.categories(user_id))["catalog/problems"]]
    theirs = rows_of(database_url, user_id + 1, "catalog")

    removed = await personal_data.erase(user_id)

    assert removed == {"problems": 1, "requests": 1}
    assert rows_of(database_url, user_id, "catalog") == {}
    assert rows_of(database_url, user_id + 1, "catalog") == theirs
    gone = await refusal(problems.GetProblem(pb.GetProblemRequest(name=f"problems/{number}")))
    assert gone.reason == "CONTENT_NOT_FOUND"
    assert await personal_data.erase(user_id) == removed
    assert await personal_data.erase(user_id, "two") == {"problems": 0, "requests": 0}


async def test_an_old_token_writes_no_problem(
    personal_data: PersonalDataClient, author: Callable[..., Any], user_id: int, database_url: str
) -> None:
    await personal_data.erase(user_id)
    refused = await refusal(author(user_id))
    assert (refused.code, refused.reason) == (grpc.StatusCode.PERMISSION_DENIED, "ACCOUNT_ERASED")
    assert rows_of(database_url, user_id, "catalog") == {}
