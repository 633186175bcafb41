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
from tests.personal_data import Office, rows_of
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
def office(channel: grpc.aio.Channel, internal: Metadata) -> Office:
    return Office(channel, internal)


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
    office: Office, author: Callable[..., Any], user_id: int
) -> None:
    await author(user_id)
    await author(user_id + 1)

    rooms = await office.rooms(user_id)

    (problem,) = rooms["catalog/problems"]
    assert {name: problem[name] for name in WRITTEN} == WRITTEN
    assert problem["owner_id"] == user_id
    (request,) = rooms["catalog/requests"]
    assert "request_digest" not in request


async def test_an_erased_author_is_gone_with_their_problems_and_nobody_elses(
    office: Office,
    author: Callable[..., Any],
    problems: problem_service_pb2_grpc.ProblemServiceAsyncStub,
    user_id: int,
    database_url: str,
) -> None:
    await author(user_id)
    await author(user_id + 1)
    (number,) = [each["problem_id"] for each in (await office.rooms(user_id))["catalog/problems"]]
    theirs = rows_of(database_url, user_id + 1, "catalog")

    removed = await office.erase(user_id)

    assert removed == {"problems": 1, "requests": 1}
    assert rows_of(database_url, user_id, "catalog") == {}
    assert rows_of(database_url, user_id + 1, "catalog") == theirs
    gone = await refusal(problems.GetProblem(pb.GetProblemRequest(name=f"problems/{number}")))
    assert gone.reason == "CONTENT_NOT_FOUND"
    assert await office.erase(user_id) == removed
    assert await office.erase(user_id, "two") == {"problems": 0, "requests": 0}


async def test_an_old_token_writes_no_problem(
    office: Office, author: Callable[..., Any], user_id: int, database_url: str
) -> None:
    await office.erase(user_id)
    refused = await refusal(author(user_id))
    assert (refused.code, refused.reason) == (grpc.StatusCode.PERMISSION_DENIED, "ACCOUNT_ERASED")
    assert rows_of(database_url, user_id, "catalog") == {}
