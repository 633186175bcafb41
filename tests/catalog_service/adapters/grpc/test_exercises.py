"""What learners see of the catalog."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import grpc
import pytest
from practice.catalog.v1 import catalog_service_pb2 as pb
from practice.catalog.v1 import catalog_service_pb2_grpc as rpc
from practice.catalog.v1 import exercise_pb2

from service_kit.paging import encode_page_token
from tests.grpc_errors import refusal
from tests.tokens import TestTokens

Metadata = tuple[tuple[str, str], ...]
NewContent = Callable[..., exercise_pb2.ExerciseContent]


@pytest.fixture
def learner(tokens: TestTokens) -> Metadata:
    return tokens.bearer(7)


@pytest.fixture
async def loaded(
    admin: rpc.CatalogAdminServiceAsyncStub, internal: Metadata, new_content: NewContent
) -> list[exercise_pb2.ExerciseContent]:
    contents = [new_content(difficulty=level) for level in ("easy", "hard", "easy", "medium", "easy")]
    await admin.LoadExercises(pb.LoadExercisesRequest(exercises=contents), metadata=internal)
    return contents


async def test_an_exercise_is_shown_without_its_answers(
    catalog: rpc.CatalogServiceAsyncStub, learner: Metadata, loaded: list[exercise_pb2.ExerciseContent]
) -> None:
    content = loaded[0]

    exercise = await catalog.GetExercise(
        pb.GetExerciseRequest(name=f"exercises/{content.exercise_id}"), metadata=learner
    )

    assert exercise == exercise_pb2.Exercise(
        name=f"exercises/{content.exercise_id}",
        exercise_id=content.exercise_id,
        prompt=content.prompt,
        cue=content.cue,
        instruction=content.instruction,
        language="es",
        difficulty="easy",
    )
    listed = await catalog.ListExercises(pb.ListExercisesRequest(page_size=100), metadata=learner)
    for secret in (*content.accepted_answers, content.explanation):
        assert secret.encode() not in exercise.SerializeToString()
        assert secret.encode() not in listed.SerializeToString()


async def test_an_unknown_exercise_is_not_found(
    catalog: rpc.CatalogServiceAsyncStub, learner: Metadata
) -> None:
    name = f"exercises/{10**18 - 1}"

    refused = await refusal(catalog.GetExercise(pb.GetExerciseRequest(name=name), metadata=learner))

    assert (refused.code, refused.reason) == (grpc.StatusCode.NOT_FOUND, "ITEM_NOT_FOUND")
    assert refused.metadata == {"item": name}


@pytest.mark.parametrize("name", ["exercises/0", "exercises/x", "words/1", "exercises/1234567890123456789"])
async def test_a_name_of_another_form_is_invalid(
    catalog: rpc.CatalogServiceAsyncStub, learner: Metadata, name: str
) -> None:
    refused = await refusal(catalog.GetExercise(pb.GetExerciseRequest(name=name), metadata=learner))

    assert (refused.code, refused.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "FIELD_INVALID")
    assert refused.metadata["field"] == "name"


async def test_pages_hold_every_exercise_of_a_difficulty_once_in_order(
    catalog: rpc.CatalogServiceAsyncStub, learner: Metadata, loaded: list[exercise_pb2.ExerciseContent]
) -> None:
    shown: list[int] = []
    token = ""
    while True:
        page = await catalog.ListExercises(
            pb.ListExercisesRequest(page_size=2, page_token=token, difficulty="easy"), metadata=learner
        )
        assert len(page.exercises) <= 2
        assert {exercise.difficulty for exercise in page.exercises} <= {"easy"}
        shown += [exercise.exercise_id for exercise in page.exercises]
        token = page.next_page_token
        if not token:
            break

    assert shown == sorted(set(shown))
    easy = [content.exercise_id for content in loaded if content.difficulty == "easy"]
    assert shown[-3:] == easy


@pytest.mark.parametrize(
    "token",
    [
        "garbage",
        "!!",
        encode_page_token("ListExercises", ["hard"], 5),
        encode_page_token("ListExercises", ["easy"], "5"),
        encode_page_token("ListExercises", ["easy"], 2**63),
        encode_page_token("ListExercises", ["easy"], -1),
        encode_page_token("ListExercises", ["easy"], True),
    ],
)
async def test_a_page_token_of_another_list_or_a_forged_one_is_refused(
    catalog: rpc.CatalogServiceAsyncStub, learner: Metadata, token: str
) -> None:
    request = pb.ListExercisesRequest(page_token=token, difficulty="easy")

    refused = await refusal(catalog.ListExercises(request, metadata=learner))

    assert (refused.code, refused.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "PAGE_TOKEN_INVALID")


@pytest.mark.parametrize("fields", [{"page_size": 101}, {"page_size": -1}, {"difficulty": "brutal"}])
async def test_a_page_outside_the_bounds_is_refused(
    catalog: rpc.CatalogServiceAsyncStub, learner: Metadata, fields: dict[str, Any]
) -> None:
    refused = await refusal(catalog.ListExercises(pb.ListExercisesRequest(**fields), metadata=learner))

    assert refused.reason == "FIELD_INVALID"


async def test_the_catalog_needs_a_token(catalog: rpc.CatalogServiceAsyncStub) -> None:
    for call in (
        catalog.GetExercise(pb.GetExerciseRequest(name="exercises/1")),
        catalog.ListExercises(pb.ListExercisesRequest()),
    ):
        refused = await refusal(call)
        assert (refused.code, refused.reason) == (grpc.StatusCode.UNAUTHENTICATED, "TOKEN_INVALID")
