"""Serves practice.stats.v1: converts, calls the use case, converts back."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import grpc
from practice.stats.v1 import stats_service_pb2 as pb
from practice.stats.v1 import stats_service_pb2_grpc as rpc

from service_kit.call import current_call
from stats_service.adapters.grpc.converters import (
    from_awarded_badge,
    from_completion_effects,
    from_daily_progress,
    from_standing,
    to_badge_content,
    to_date,
)
from stats_service.application.get_applied import GetApplied
from stats_service.application.get_completion_effects import GetCompletionEffects
from stats_service.application.get_standing import GetStanding
from stats_service.application.list_awarded_badges import ListAwardedBadges
from stats_service.application.list_daily_progress import ListDailyProgress
from stats_service.application.load_badge_definitions import LoadBadgeDefinitions

Context = grpc.aio.ServicerContext[Any, Any]

ADMIN_SERVICE = "practice.stats.v1.StatsAdminService"


class StatsServicer(rpc.StatsServiceServicer):
    """What callers may ask about themselves."""

    def __init__(
        self,
        list_daily_progress: ListDailyProgress,
        get_standing: GetStanding,
        list_awarded_badges: ListAwardedBadges,
    ) -> None:
        self._list_daily_progress = list_daily_progress
        self._get_standing = get_standing
        self._list_awarded_badges = list_awarded_badges

    async def ListDailyProgress(
        self, request: pb.ListDailyProgressRequest, context: Context
    ) -> pb.ListDailyProgressResponse:
        """Returns progress by day."""
        call = current_call()
        progress = await self._list_daily_progress(
            call.user_id,
            request.product,
            to_date(request.from_date, "from_date"),
            to_date(request.to_date, "to_date"),
            min_user_seq=request.min_user_seq,
            time_zone=call.time_zone,
        )
        return from_daily_progress(progress)

    async def GetStanding(self, request: pb.GetStandingRequest, context: Context) -> pb.GetStandingResponse:
        """Returns totals and the streak."""
        call = current_call()
        standing = await self._get_standing(
            call.user_id, request.product, min_user_seq=request.min_user_seq, time_zone=call.time_zone
        )
        return from_standing(standing)

    async def ListAwardedBadges(
        self, request: pb.ListAwardedBadgesRequest, context: Context
    ) -> pb.ListAwardedBadgesResponse:
        """Lists badges, newest first."""
        badges, pending = await self._list_awarded_badges(
            current_call().user_id, request.product, min_user_seq=request.min_user_seq
        )
        return pb.ListAwardedBadgesResponse(badges=map(from_awarded_badge, badges), pending=pending)


class StatsAdminServicer(rpc.StatsAdminServiceServicer):
    """What the platform's own services and operators may ask."""

    def __init__(
        self,
        get_applied: GetApplied,
        get_standing: GetStanding,
        get_completion_effects: GetCompletionEffects,
        list_daily_progress: ListDailyProgress,
        load_badge_definitions: LoadBadgeDefinitions,
    ) -> None:
        self._get_applied = get_applied
        self._get_standing = get_standing
        self._get_completion_effects = get_completion_effects
        self._list_daily_progress = list_daily_progress
        self._load_badge_definitions = load_badge_definitions

    async def GetApplied(self, request: pb.GetAppliedRequest, context: Context) -> pb.GetAppliedResponse:
        """Tells which events are facts."""
        applied, rejected = await self._get_applied([UUID(event_id) for event_id in request.event_ids])
        return pb.GetAppliedResponse(
            applied_event_ids=map(str, applied),
            rejected_events=[
                pb.RejectedEvent(event_id=str(event_id), reason=reason)
                for event_id, reason in rejected.items()
            ],
        )

    async def GetUserStanding(
        self, request: pb.GetUserStandingRequest, context: Context
    ) -> pb.GetStandingResponse:
        """Returns a user's totals and streak."""
        standing = await self._get_standing(
            request.user_id,
            request.product,
            min_user_seq=request.min_user_seq,
            time_zone=current_call().time_zone,
        )
        return from_standing(standing)

    async def GetCompletionEffects(
        self, request: pb.GetCompletionEffectsRequest, context: Context
    ) -> pb.GetCompletionEffectsResponse:
        """Returns a user's standing with a completion, and the badges it earned."""
        effects = await self._get_completion_effects(
            request.user_id,
            request.product,
            request.session_id,
            min_user_seq=request.min_user_seq,
            time_zone=current_call().time_zone,
        )
        return from_completion_effects(effects)

    async def ListUserDailyProgress(
        self, request: pb.ListUserDailyProgressRequest, context: Context
    ) -> pb.ListDailyProgressResponse:
        """Returns a user's progress by day."""
        progress = await self._list_daily_progress(
            request.user_id,
            request.product,
            to_date(request.from_date, "from_date"),
            to_date(request.to_date, "to_date"),
            min_user_seq=request.min_user_seq,
            time_zone=current_call().time_zone,
        )
        return from_daily_progress(progress)

    async def LoadBadgeDefinitions(
        self, request: pb.LoadBadgeDefinitionsRequest, context: Context
    ) -> pb.LoadBadgeDefinitionsResponse:
        """Creates and changes badge definitions."""
        loaded = await self._load_badge_definitions([*map(to_badge_content, request.badge_definitions)])
        return pb.LoadBadgeDefinitionsResponse(
            created_count=loaded.created, updated_count=loaded.updated, unchanged_count=loaded.unchanged
        )
