"""Implements the focus product's view of progress: call the use case, answer in its envelope."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import grpc
from practice.products.focus.v1 import focus_service_pb2 as pb
from practice.products.focus.v1.focus_service_pb2_grpc import FocusProgressServiceServicer

from service_kit.call import current_call
from stats_service.adapters.grpc.converters import date_from_proto
from stats_service.adapters.grpc.products.focus.responses import (
    badges_response,
    progress_response,
    streak_response,
)
from stats_service.application.badge_queries import ListAwardedBadges
from stats_service.application.progress_queries import GetStanding, ListDailyProgress

PRODUCT = "focus"
SERVICE = "practice.products.focus.v1.FocusProgressService"

Context = grpc.aio.ServicerContext[Any, Any]


@dataclass(frozen=True, slots=True)
class UseCases:
    """What this product's clients ask."""

    list_daily_progress: ListDailyProgress
    get_standing: GetStanding
    list_awarded_badges: ListAwardedBadges


class FocusProgressServicer(FocusProgressServiceServicer):
    """Implements practice.products.focus.v1.FocusProgressService."""

    def __init__(self, use_cases: UseCases) -> None:
        self._use = use_cases

    async def ListProgress(
        self, request: pb.ListProgressRequest, context: Context
    ) -> pb.ListProgressResponse:
        """Returns focus time by day, oldest first."""
        call = current_call()
        first, last = date_from_proto(getattr(request, "from"), "from"), date_from_proto(request.to, "to")
        return progress_response(
            await self._use.list_daily_progress(call.user_id, PRODUCT, first, last, time_zone=call.time_zone)
        )

    async def GetStreak(self, request: pb.GetStreakRequest, context: Context) -> pb.GetStreakResponse:
        """Returns the day streak."""
        call = current_call()
        standing = await self._use.get_standing(call.user_id, PRODUCT, time_zone=call.time_zone)
        return streak_response(standing.streaks.day)

    async def ListBadges(self, request: pb.ListBadgesRequest, context: Context) -> pb.ListBadgesResponse:
        """Lists the badges earned with focus, newest first."""
        badges, _ = await self._use.list_awarded_badges(current_call().user_id, PRODUCT)
        return badges_response(badges)
