"""The problems that the platform brings."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

import pytest
from google.protobuf.json_format import MessageToDict
from practice.catalog.v1 import catalog_service_pb2 as pb
from practice.catalog.v1 import catalog_service_pb2_grpc, problem_service_pb2, problem_service_pb2_grpc

from tests.catalog_service.contents import new_token, problem
from tests.grpc_errors import refusal
from tests.tokens import TestTokens

Metadata = tuple[tuple[str, str], ...]
Admin: TypeAlias = "catalog_service_pb2_grpc.CatalogAdminServiceAsyncStub"
Problems: TypeAlias = "problem_service_pb2_grpc.ProblemServiceAsyncStub"
Load = Callable[..., Awaitable[tuple[int, int, int]]]


@pytest.fixture
def load(admin: Admin, internal: Metadata) -> Load:
    async def load(*problems: pb.ShippedProblem) -> tuple[int, int, int]:
        counts = await admin.LoadProblems(pb.LoadProblemsRequest(problems=problems), metadata=internal)
        return counts.created_count, counts.updated_count, counts.unchanged_count

    return load


def shipped(title: str, **changes: Any) -> pb.ShippedProblem:
    return pb.ShippedProblem(key=title, problem=problem(title=title, **changes))


async def titled(problems: Problems, title: str) -> list[Any]:
    return list((await problems.ListProblems(problem_service_pb2.ListProblemsRequest(query=title))).problems)


async def test_a_shipped_problem_is_the_platforms_and_keeps_its_number(
    load: Load, problems: Problems
) -> None:
    title = new_token()
    ours = shipped(title, owner_id=9, owner_email="x@example.com")
    assert await load(ours) == (1, 0, 0)
    (first,) = await titled(problems, title)
    assert (first.owner_id, first.owner_email) == (0, "catalog@practice.example")

    assert await load(ours) == (0, 0, 1)
    ours.problem.hints.append("another")
    assert await load(ours, shipped(new_token())) == (1, 1, 0)

    (second,) = await titled(problems, title)
    assert list(second.hints) == ["base62", "another"]
    assert (second.name, second.create_time) == (first.name, first.create_time)
    assert second.update_time.ToDatetime() > first.update_time.ToDatetime()


async def test_loading_again_uses_up_no_numbers(load: Load, problems: Problems) -> None:
    one, other = new_token(), new_token()
    await load(shipped(one))
    for _ in range(5):
        await load(shipped(one))
    await load(shipped(other))

    (first,), (second,) = await titled(problems, one), await titled(problems, other)
    assert second.problem_id == first.problem_id + 1


async def test_loads_at_the_same_time_create_each_problem_once(load: Load) -> None:
    ours = [shipped(new_token()) for _ in range(20)]

    counts = await asyncio.gather(*(load(*ours) for _ in range(4)))

    assert [sum(column) for column in zip(*counts, strict=True)] == [20, 0, 60]


async def test_a_load_with_one_bad_problem_changes_nothing(
    admin: Admin, problems: Problems, internal: Metadata
) -> None:
    good = shipped(new_token())
    for bad in (
        shipped("No Key"),
        shipped(new_token(), difficulty="brutal"),
        shipped(new_token(), description="a\0"),
        shipped(new_token(), hints=["x" * 1_000] * 41),
        good,
        pb.ShippedProblem(key="empty"),
    ):
        request = pb.LoadProblemsRequest(problems=[good, bad])
        assert (await refusal(admin.LoadProblems(request, metadata=internal))).reason == "FIELD_INVALID"
    assert await titled(problems, good.key) == []


async def test_nobody_may_change_a_shipped_problem_or_meets_it_among_their_own(
    load: Load, problems: Problems, ana: Metadata, tokens: TestTokens
) -> None:
    title = new_token()
    await load(shipped(title))
    (ours,) = await titled(problems, title)

    mine = problem_service_pb2.ListProblemsRequest(mine=True)
    assert not (await problems.ListProblems(mine, metadata=ana)).problems
    removal = problem_service_pb2.DeleteProblemRequest(name=ours.name)
    assert (await refusal(problems.DeleteProblem(removal, metadata=ana))).reason == "NOT_PERMITTED"
    # Nor does a token in the name of nobody own what belongs to nobody.
    nobody = tokens.bearer(0)
    assert (await refusal(problems.ListProblems(mine, metadata=nobody))).reason == "TOKEN_INVALID"
    assert (await refusal(problems.DeleteProblem(removal, metadata=nobody))).reason == "TOKEN_INVALID"
    assert MessageToDict((await titled(problems, title))[0]) == MessageToDict(ours)


async def test_a_problem_of_a_person_is_not_touched_by_a_load(
    load: Load, problems: Problems, ana: Metadata
) -> None:
    title = new_token()
    request = problem_service_pb2.CreateProblemRequest(problem=problem(title=title))
    mine = await problems.CreateProblem(request, metadata=ana)

    assert await load(shipped(title, hints=[])) == (1, 0, 0)

    found = problem_service_pb2.GetProblemRequest(name=mine.name)
    assert await problems.GetProblem(found, metadata=ana) == mine
    assert mine.name in [each.name for each in await titled(problems, title)]
