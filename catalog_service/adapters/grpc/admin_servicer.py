"""Serves what the platform's own services and content authors may ask."""

from __future__ import annotations

from typing import Any, TypedDict

import grpc
from practice.catalog.v1 import catalog_service_pb2 as pb
from practice.catalog.v1.catalog_service_pb2_grpc import CatalogAdminServiceServicer

from catalog_service.adapters.grpc.converters import (
    from_achievement,
    from_activity_content,
    from_exercise_content,
    from_sequence,
    to_achievement,
    to_answer_key,
    to_content,
    to_content_item,
)
from catalog_service.adapters.grpc.problem_converters import from_problem
from catalog_service.application.load_problems import ShippedProblem
from catalog_service.application.ports import LoadCounts
from catalog_service.application.use_cases import UseCases

SERVICE = "practice.catalog.v1.CatalogAdminService"

Context = grpc.aio.ServicerContext[Any, Any]


class CatalogAdminServicer(CatalogAdminServiceServicer):
    """Implements practice.catalog.v1.CatalogAdminService."""

    def __init__(self, use_cases: UseCases) -> None:
        self._use = use_cases

    async def BatchGetAnswerKeys(
        self, request: pb.BatchGetAnswerKeysRequest, context: Context
    ) -> pb.BatchGetAnswerKeysResponse:
        """Returns the answer keys that exist."""
        keys = await self._use.batch_get_answer_keys(request.items)
        return pb.BatchGetAnswerKeysResponse(answer_keys=[to_answer_key(item, key) for item, key in keys])

    async def FindContent(self, request: pb.FindContentRequest, context: Context) -> pb.FindContentResponse:
        """Returns the names that exist and what they name."""
        found = await self._use.find_content(request.names)
        return pb.FindContentResponse(
            names=[name for name, _ in found], contents=[to_content(name, content) for name, content in found]
        )

    async def ListContentItems(
        self, request: pb.ListContentItemsRequest, context: Context
    ) -> pb.ListContentItemsResponse:
        """Returns the items of an activity."""
        items = await self._use.list_content_items(request.content)
        return pb.ListContentItemsResponse(items=map(to_content_item, items))

    async def ListAchievements(
        self, request: pb.ListAchievementsRequest, context: Context
    ) -> pb.ListAchievementsResponse:
        """Returns a product's achievements."""
        achievements = await self._use.list_achievements(request.product)
        return pb.ListAchievementsResponse(achievements=map(to_achievement, achievements))

    async def LoadExercises(
        self, request: pb.LoadExercisesRequest, context: Context
    ) -> pb.LoadExercisesResponse:
        """Creates or replaces exercises."""
        counts = await self._use.load_exercises([from_exercise_content(each) for each in request.exercises])
        return pb.LoadExercisesResponse(**_told(counts))

    async def LoadActivities(
        self, request: pb.LoadActivitiesRequest, context: Context
    ) -> pb.LoadActivitiesResponse:
        """Creates or replaces activities with their words."""
        counts = await self._use.load_activities([from_activity_content(each) for each in request.activities])
        return pb.LoadActivitiesResponse(**_told(counts))

    async def LoadSequences(
        self, request: pb.LoadSequencesRequest, context: Context
    ) -> pb.LoadSequencesResponse:
        """Creates or replaces sequences."""
        counts = await self._use.load_sequences([from_sequence(each) for each in request.sequences])
        return pb.LoadSequencesResponse(**_told(counts))

    async def LoadProblems(
        self, request: pb.LoadProblemsRequest, context: Context
    ) -> pb.LoadProblemsResponse:
        """Creates or replaces shipped problems."""
        counts = await self._use.load_problems(
            [ShippedProblem(each.key, from_problem(each.problem)) for each in request.problems]
        )
        return pb.LoadProblemsResponse(**_told(counts))

    async def LoadAchievements(
        self, request: pb.LoadAchievementsRequest, context: Context
    ) -> pb.LoadAchievementsResponse:
        """Creates or replaces achievements."""
        counts = await self._use.load_achievements([from_achievement(each) for each in request.achievements])
        return pb.LoadAchievementsResponse(**_told(counts))


class _Told(TypedDict):
    created_count: int
    updated_count: int
    unchanged_count: int


def _told(counts: LoadCounts) -> _Told:
    return {
        "created_count": counts.created,
        "updated_count": counts.updated,
        "unchanged_count": counts.unchanged,
    }
