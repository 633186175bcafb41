"""What the platform's own services and content authors do with the catalog."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

import grpc
import psycopg
import pytest
from practice.catalog.v1 import catalog_service_pb2 as pb
from practice.catalog.v1 import catalog_service_pb2_grpc as rpc
from practice.catalog.v1 import exercise_pb2, problem_service_pb2_grpc
from practice.catalog.v1.problem_service_pb2 import CreateProblemRequest

from tests.catalog_service.contents import activity, problem, sequence
from tests.databases import lock_waiters
from tests.grpc_errors import refusal
from tests.tokens import TestTokens

Metadata = tuple[tuple[str, str], ...]
NewContent = Callable[..., exercise_pb2.ExerciseContent]
Admin: TypeAlias = "rpc.CatalogAdminServiceAsyncStub"


@pytest.fixture
def load(admin: Admin, internal: Metadata) -> Callable[..., Any]:
    async def load(*contents: exercise_pb2.ExerciseContent) -> tuple[int, int, int]:
        request = pb.LoadExercisesRequest(exercises=contents)
        counts = await admin.LoadExercises(request, metadata=internal)
        return counts.created_count, counts.updated_count, counts.unchanged_count

    return load


@pytest.fixture
def keys(admin: Admin, internal: Metadata) -> Callable[..., Any]:
    async def keys(items: Iterable[str]) -> list[exercise_pb2.AnswerKey]:
        request = pb.BatchGetAnswerKeysRequest(items=items)
        return list((await admin.BatchGetAnswerKeys(request, metadata=internal)).answer_keys)

    return keys


def name_of(content: exercise_pb2.ExerciseContent) -> str:
    return f"exercises/{content.exercise_id}"


async def test_loading_counts_what_is_new_what_differs_and_what_is_the_same(
    load: Callable[..., Any], keys: Callable[..., Any], new_content: NewContent
) -> None:
    first, second = new_content(), new_content()
    assert await load(first, second) == (2, 0, 0)
    assert await load(second, first) == (0, 0, 2)

    second.accepted_answers[:] = ["hable", "Hable usted"]
    assert await load(first, second, new_content()) == (1, 1, 1)

    (key,) = await keys([name_of(second)])
    assert list(key.accepted_answers) == ["hable", "Hable usted"]


async def test_a_load_with_one_bad_exercise_changes_nothing(
    admin: Admin, internal: Metadata, keys: Callable[..., Any], new_content: NewContent
) -> None:
    good = new_content()
    for bad in (
        new_content(prompt=""),
        new_content(prompt="nothing\0"),
        new_content(exercise_id=good.exercise_id),
    ):
        request = pb.LoadExercisesRequest(exercises=[good, bad])

        refused = await refusal(admin.LoadExercises(request, metadata=internal))

        assert (refused.code, refused.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "FIELD_INVALID")
        assert await keys([name_of(good)]) == []


async def test_loads_at_the_same_time_create_each_exercise_once(
    load: Callable[..., Any], new_content: NewContent
) -> None:
    contents = [new_content() for _ in range(200)]

    counts = await asyncio.gather(*(load(*contents) for _ in range(4)))

    assert [sum(column) for column in zip(*counts, strict=True)] == [200, 0, 600]


async def test_loads_in_other_orders_at_the_same_time_do_not_block_each_other_for_good(
    load: Callable[..., Any], new_content: NewContent, database_url: str
) -> None:
    first, second = new_content(), new_content()
    await load(first, second)
    first.cue = second.cue = "decir"
    connect, touch = (
        psycopg.AsyncConnection.connect,
        "SELECT FROM catalog.exercises WHERE exercise_id = %s FOR UPDATE",
    )
    async with await connect(database_url) as holds_first, await connect(database_url) as holds_second:
        await holds_first.execute(touch, [first.exercise_id])
        await holds_second.execute(touch, [second.exercise_id])
        forwards = asyncio.create_task(load(first, second))
        await lock_waiters(database_url, 1)
        backwards = asyncio.create_task(load(second, first))
        await lock_waiters(database_url, 2)
        # A load that began with the second goes on to the first now, and keeps the second.
        await holds_second.commit()
        await lock_waiters(database_url, 2)

    assert (await forwards, await backwards) == ((0, 2, 0), (0, 0, 2))


async def test_answer_keys_come_in_the_order_asked_for_without_unknown_items(
    load: Callable[..., Any], keys: Callable[..., Any], new_content: NewContent
) -> None:
    first, second = new_content(), new_content(accepted_answers=["voy"], explanation="")
    await load(first, second)

    found = await keys(
        [
            name_of(second),
            "exercises/999999999999999999",
            "exercises/0",
            "exercises/99999999999999999999999",
            "words/1",
            "exercises/hello",
            f"{name_of(second)}-x",
            "exercises/01",
            "exercises/1; drop",
            "",
            name_of(first),
        ]
    )

    assert found == [
        exercise_pb2.AnswerKey(item=name_of(second), accepted_answers=["voy"], explanation=""),
        exercise_pb2.AnswerKey(
            item=name_of(first), accepted_answers=["hable", "hablase"], explanation=first.explanation
        ),
    ]


async def test_a_thousand_items_can_be_asked_for_and_no_more(
    admin: Admin, internal: Metadata, keys: Callable[..., Any]
) -> None:
    assert await keys(f"exercises/{10**15 + number}" for number in range(1000)) == []

    request = pb.BatchGetAnswerKeysRequest(items=[f"exercises/{number}" for number in range(1, 1002)])
    assert (await refusal(admin.BatchGetAnswerKeys(request, metadata=internal))).reason == "FIELD_INVALID"


async def test_content_that_exists_is_found_in_the_order_asked_for_with_what_it_is(
    admin: Admin,
    problems: problem_service_pb2_grpc.ProblemServiceAsyncStub,
    internal: Metadata,
    ana: Metadata,
) -> None:
    practised, posed = activity(), sequence()
    await admin.LoadActivities(pb.LoadActivitiesRequest(activities=[practised]), metadata=internal)
    await admin.LoadSequences(pb.LoadSequencesRequest(sequences=[posed]), metadata=internal)
    made = await problems.CreateProblem(CreateProblemRequest(problem=problem()), metadata=ana)
    existing = [f"sequences/{posed.sequence_id}", made.name, f"activities/{practised.activity_id}"]
    unknown = ["activities/1", "sequences/999999999999999999", f"{made.name}0000000", "problems/x", "", "x/1"]

    request = pb.FindContentRequest(names=[*existing[:2], *unknown, existing[2], made.name])
    found = await admin.FindContent(request, metadata=internal)

    assert list(found.names) == [*existing, made.name]
    assert [content.name for content in found.contents] == list(found.names)
    assert [(content.title, content.type) for content in found.contents[:3]] == [
        (posed.title, ""),
        (made.title, ""),
        (practised.title, "flashcards"),
    ]
    # A problem's second is a part of its public id.
    assert found.contents[1].create_time == made.create_time
    assert not found.contents[0].HasField("create_time")


async def test_exercises_are_items_and_no_content(
    admin: Admin, internal: Metadata, load: Callable[..., Any], new_content: NewContent
) -> None:
    content = new_content()
    await load(content)

    found = await admin.FindContent(pb.FindContentRequest(names=[name_of(content)]), metadata=internal)

    assert found == pb.FindContentResponse()


async def test_administration_needs_the_platforms_secret_whatever_token_comes_along(
    admin: Admin, tokens: TestTokens, new_content: NewContent
) -> None:
    for metadata in (
        (),
        tokens.bearer(1),
        (("x-practice-internal", ""),),
        (("x-practice-internal", "guess"),),
    ):
        for call in (
            admin.BatchGetAnswerKeys(pb.BatchGetAnswerKeysRequest(items=["exercises/1"]), metadata=metadata),
            admin.FindContent(pb.FindContentRequest(names=["exercises/1"]), metadata=metadata),
            admin.LoadExercises(pb.LoadExercisesRequest(exercises=[new_content()]), metadata=metadata),
            admin.LoadActivities(pb.LoadActivitiesRequest(activities=[activity()]), metadata=metadata),
            admin.LoadProblems(pb.LoadProblemsRequest(), metadata=metadata),
            admin.ListContentItems(pb.ListContentItemsRequest(content="activities/1"), metadata=metadata),
        ):
            refused = await refusal(call)
            assert (refused.code, refused.reason) == (grpc.StatusCode.PERMISSION_DENIED, "NOT_PERMITTED")
