"""Serves practice.catalog.v1.CatalogAdminService: what other services ask, and loading."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypedDict

import grpc
from practice.catalog.v1 import catalog_service_pb2 as pb
from practice.catalog.v1.catalog_service_pb2_grpc import CatalogAdminServiceServicer

from catalog_service.adapters.grpc.converters import (
    achievement_from_proto,
    achievement_to_proto,
    activity_content_from_proto,
    answer_key_to_proto,
    content_item_to_proto,
    content_to_proto,
    exercise_content_from_proto,
    sequence_from_proto,
)
from catalog_service.adapters.grpc.problem_converters import statement_from_proto
from catalog_service.application.achievements import ListAchievements, LoadAchievements
from catalog_service.application.activities import ListContentItems, LoadActivities
from catalog_service.application.exercises import LoadExercises
from catalog_service.application.lookup import BatchGetAnswerKeys, FindContent
from catalog_service.application.ports.contents import LoadCounts
from catalog_service.application.problems import LoadProblems, ShippedProblem
from catalog_service.application.sequences import LoadSequences

SERVICE = "practice.catalog.v1.CatalogAdminService"

Context = grpc.aio.ServicerContext[Any, Any]


@dataclass(frozen=True, slots=True)
class UseCases:
    """What the servicer calls."""

    batch_get_answer_keys: BatchGetAnswerKeys
    find_content: FindContent
    list_content_items: ListContentItems
    list_achievements: ListAchievements
    load_exercises: LoadExercises
    load_activities: LoadActivities
    load_sequences: LoadSequences
    load_problems: LoadProblems
    load_achievements: LoadAchievements


class CatalogAdminServicer(CatalogAdminServiceServicer):
    """Serves practice.catalog.v1.CatalogAdminService."""

    def __init__(self, use_cases: UseCases) -> None:
        self._use = use_cases

    async def BatchGetAnswerKeys(
        self, request: pb.BatchGetAnswerKeysRequest, context: Context
    ) -> pb.BatchGetAnswerKeysResponse:
        """Returns the answer keys that exist."""
        keys = await self._use.batch_get_answer_keys(request.items)
        return pb.BatchGetAnswerKeysResponse(
            answer_keys=[answer_key_to_proto(item, key) for item, key in keys]
        )

    async def FindContent(self, request: pb.FindContentRequest, context: Context) -> pb.FindContentResponse:
        """Returns the names that exist and what they name."""
        found = await self._use.find_content(request.names)
        return pb.FindContentResponse(
            names=[name for name, _ in found],
            contents=[content_to_proto(name, content) for name, content in found],
        )

    async def ListContentItems(
        self, request: pb.ListContentItemsRequest, context: Context
    ) -> pb.ListContentItemsResponse:
        """Returns the items of an activity."""
        items = await self._use.list_content_items(request.content)
        return pb.ListContentItemsResponse(items=map(content_item_to_proto, items))

    async def ListAchievements(
        self, request: pb.ListAchievementsRequest, context: Context
    ) -> pb.ListAchievementsResponse:
        """Returns a product's achievements."""
        achievements = await self._use.list_achievements(request.product)
        return pb.ListAchievementsResponse(achievements=map(achievement_to_proto, achievements))

    async def LoadExercises(
        self, request: pb.LoadExercisesRequest, context: Context
    ) -> pb.LoadExercisesResponse:
        """Creates or replaces exercises."""
        counts = await self._use.load_exercises(
            [exercise_content_from_proto(each) for each in request.exercises]
        )
        return pb.LoadExercisesResponse(**_counts_to_proto(counts))

    async def LoadActivities(
        self, request: pb.LoadActivitiesRequest, context: Context
    ) -> pb.LoadActivitiesResponse:
        """Creates or replaces activities with their words."""
        counts = await self._use.load_activities(
            [activity_content_from_proto(each) for each in request.activities]
        )
        return pb.LoadActivitiesResponse(**_counts_to_proto(counts))

    async def LoadSequences(
        self, request: pb.LoadSequencesRequest, context: Context
    ) -> pb.LoadSequencesResponse:
        """Creates or replaces sequences."""
        counts = await self._use.load_sequences([sequence_from_proto(each) for each in request.sequences])
        return pb.LoadSequencesResponse(**_counts_to_proto(counts))

    async def LoadProblems(
        self, request: pb.LoadProblemsRequest, context: Context
    ) -> pb.LoadProblemsResponse:
        """Creates or replaces shipped problems."""
        counts = await self._use.load_problems(
            [ShippedProblem(each.key, statement_from_proto(each.problem)) for each in request.problems]
        )
        return pb.LoadProblemsResponse(**_counts_to_proto(counts))

    async def LoadAchievements(
        self, request: pb.LoadAchievementsRequest, context: Context
    ) -> pb.LoadAchievementsResponse:
        """Creates or replaces achievements."""
        counts = await self._use.load_achievements(
            [achievement_from_proto(each) for each in request.achievements]
        )
        return pb.LoadAchievementsResponse(**_counts_to_proto(counts))


class _Counts(TypedDict):
    created_count: int
    updated_count: int
    unchanged_count: int


def _counts_to_proto(counts: LoadCounts) -> _Counts:
    return {
        "created_count": counts.created,
        "updated_count": counts.updated,
        "unchanged_count": counts.unchanged,
    }
