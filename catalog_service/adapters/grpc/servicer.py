"""Serves practice.catalog.v1: converts, calls the use case, converts back."""

from __future__ import annotations

from typing import Any

import grpc
from practice.catalog.v1 import catalog_service_pb2 as pb
from practice.catalog.v1 import catalog_service_pb2_grpc, exercise_pb2

from catalog_service.adapters.grpc.converters import exercise_number, from_content, to_answer_key, to_exercise
from catalog_service.application.batch_get_answer_keys import BatchGetAnswerKeys
from catalog_service.application.find_content import FindContent
from catalog_service.application.get_exercise import GetExercise
from catalog_service.application.list_exercises import ListExercises
from catalog_service.application.load_exercises import LoadExercises

Context = grpc.aio.ServicerContext[Any, Any]


class CatalogServicer(catalog_service_pb2_grpc.CatalogServiceServicer):
    """What learners may ask."""

    def __init__(self, get_exercise: GetExercise, list_exercises: ListExercises) -> None:
        self._get_exercise = get_exercise
        self._list_exercises = list_exercises

    async def GetExercise(  # noqa: N802
        self, request: pb.GetExerciseRequest, context: Context
    ) -> exercise_pb2.Exercise:
        """Returns one exercise."""
        return to_exercise(await self._get_exercise(exercise_number(request.name)))

    async def ListExercises(  # noqa: N802
        self, request: pb.ListExercisesRequest, context: Context
    ) -> pb.ListExercisesResponse:
        """Returns a page of exercises."""
        page = await self._list_exercises(
            page_size=request.page_size, page_token=request.page_token, difficulty=request.difficulty
        )
        return pb.ListExercisesResponse(
            exercises=map(to_exercise, page.exercises), next_page_token=page.next_page_token
        )


class CatalogAdminServicer(catalog_service_pb2_grpc.CatalogAdminServiceServicer):
    """What the platform's own services and content authors may ask."""

    def __init__(
        self,
        batch_get_answer_keys: BatchGetAnswerKeys,
        find_content: FindContent,
        load_exercises: LoadExercises,
    ) -> None:
        self._batch_get_answer_keys = batch_get_answer_keys
        self._find_content = find_content
        self._load_exercises = load_exercises

    async def BatchGetAnswerKeys(  # noqa: N802
        self, request: pb.BatchGetAnswerKeysRequest, context: Context
    ) -> pb.BatchGetAnswerKeysResponse:
        """Returns the answer keys that exist."""
        keys = await self._batch_get_answer_keys(request.items)
        return pb.BatchGetAnswerKeysResponse(answer_keys=[to_answer_key(item, key) for item, key in keys])

    async def FindContent(  # noqa: N802
        self, request: pb.FindContentRequest, context: Context
    ) -> pb.FindContentResponse:
        """Returns the names that exist."""
        return pb.FindContentResponse(names=await self._find_content(request.names))

    async def LoadExercises(  # noqa: N802
        self, request: pb.LoadExercisesRequest, context: Context
    ) -> pb.LoadExercisesResponse:
        """Creates or replaces exercises."""
        counts = await self._load_exercises([from_content(content) for content in request.exercises])
        return pb.LoadExercisesResponse(
            created_count=counts.created, updated_count=counts.updated, unchanged_count=counts.unchanged
        )
