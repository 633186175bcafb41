"""Serves practice.catalog.v1.CatalogService: converts, calls the use case, converts back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import grpc
from practice.catalog.v1 import activity_pb2, exercise_pb2, sequence_pb2
from practice.catalog.v1 import catalog_service_pb2 as pb
from practice.catalog.v1.catalog_service_pb2_grpc import CatalogServiceServicer

from catalog_service.adapters.grpc.converters import (
    activity_to_proto,
    exercise_to_proto,
    number_of,
    sequence_to_proto,
)
from catalog_service.application.activities import GetActivity, ListActivities
from catalog_service.application.exercises import GetExercise, ListExercises
from catalog_service.application.sequences import GetSequence, ListSequences

Context = grpc.aio.ServicerContext[Any, Any]


@dataclass(frozen=True, slots=True)
class UseCases:
    """What the servicer calls."""

    get_exercise: GetExercise
    list_exercises: ListExercises
    get_activity: GetActivity
    list_activities: ListActivities
    get_sequence: GetSequence
    list_sequences: ListSequences


class CatalogServicer(CatalogServiceServicer):
    """Serves practice.catalog.v1.CatalogService."""

    def __init__(self, use_cases: UseCases) -> None:
        self._use = use_cases

    async def GetExercise(self, request: pb.GetExerciseRequest, context: Context) -> exercise_pb2.Exercise:
        """Returns one exercise."""
        return exercise_to_proto(await self._use.get_exercise(number_of(request.name)))

    async def ListExercises(
        self, request: pb.ListExercisesRequest, context: Context
    ) -> pb.ListExercisesResponse:
        """Returns a page of exercises."""
        page = await self._use.list_exercises(
            page_size=request.page_size, page_token=request.page_token, difficulty=request.difficulty
        )
        return pb.ListExercisesResponse(
            exercises=map(exercise_to_proto, page.items), next_page_token=page.next_page_token
        )

    async def GetActivity(self, request: pb.GetActivityRequest, context: Context) -> activity_pb2.Activity:
        """Returns one activity."""
        return activity_to_proto(await self._use.get_activity(number_of(request.name)))

    async def ListActivities(
        self, request: pb.ListActivitiesRequest, context: Context
    ) -> pb.ListActivitiesResponse:
        """Returns a page of activities."""
        page = await self._use.list_activities(page_size=request.page_size, page_token=request.page_token)
        return pb.ListActivitiesResponse(
            activities=map(activity_to_proto, page.items), next_page_token=page.next_page_token
        )

    async def GetSequence(self, request: pb.GetSequenceRequest, context: Context) -> sequence_pb2.Sequence:
        """Returns one sequence."""
        return sequence_to_proto(await self._use.get_sequence(number_of(request.name)))

    async def ListSequences(
        self, request: pb.ListSequencesRequest, context: Context
    ) -> pb.ListSequencesResponse:
        """Returns a page of sequences."""
        page = await self._use.list_sequences(page_size=request.page_size, page_token=request.page_token)
        return pb.ListSequencesResponse(
            sequences=map(sequence_to_proto, page.items), next_page_token=page.next_page_token
        )
