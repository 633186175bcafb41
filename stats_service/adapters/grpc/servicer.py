"""Serves practice.stats.v1: converts, calls the use case, converts back."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import grpc
from google.api.httpbody_pb2 import HttpBody
from practice.stats.v1 import stats_service_pb2 as pb
from practice.stats.v1 import stats_service_pb2_grpc as rpc

from service_kit.call import current_call
from service_kit.grpc.presentation import events_began, last_event_id, to_event
from stats_service.adapters.grpc.converters import (
    awarded_badge_to_proto,
    badge_content_from_proto,
    completion_effects_to_proto,
    daily_progress_to_proto,
    date_from_proto,
    standing_to_proto,
    statistics_to_proto,
)
from stats_service.application.badge_commands import LoadBadgeDefinitions
from stats_service.application.badge_queries import ListAwardedBadges
from stats_service.application.freshness import Waiting
from stats_service.application.progress_queries import (
    GetApplied,
    GetCompletionEffects,
    GetStanding,
    ListDailyProgress,
    WatchStatistics,
)

Context = grpc.aio.ServicerContext[Any, Any]

ADMIN_SERVICE = "practice.stats.v1.StatsAdminService"
# Before a deadline: for an answer to be on its way by then.
_WAY_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class UseCases:
    """What callers may ask about themselves."""

    list_daily_progress: ListDailyProgress
    get_standing: GetStanding
    list_awarded_badges: ListAwardedBadges
    watch_statistics: WatchStatistics


class StatsServicer(rpc.StatsServiceServicer):
    """What callers may ask about themselves."""

    def __init__(self, use_cases: UseCases) -> None:
        self._use = use_cases

    async def ListDailyProgress(
        self, request: pb.ListDailyProgressRequest, context: Context
    ) -> pb.ListDailyProgressResponse:
        """Returns progress by day."""
        call = current_call()
        progress = await self._use.list_daily_progress(
            call.user_id,
            request.product,
            date_from_proto(request.from_date, "from_date"),
            date_from_proto(request.to_date, "to_date"),
            min_user_seq=request.min_user_seq,
            time_zone=call.time_zone,
        )
        return daily_progress_to_proto(progress)

    async def GetStanding(self, request: pb.GetStandingRequest, context: Context) -> pb.GetStandingResponse:
        """Returns totals and the streak."""
        call = current_call()
        standing = await self._use.get_standing(
            call.user_id, request.product, min_user_seq=request.min_user_seq, time_zone=call.time_zone
        )
        return standing_to_proto(standing)

    async def ListAwardedBadges(
        self, request: pb.ListAwardedBadgesRequest, context: Context
    ) -> pb.ListAwardedBadgesResponse:
        """Lists badges, newest first."""
        badges, pending = await self._use.list_awarded_badges(
            current_call().user_id, request.product, min_user_seq=request.min_user_seq
        )
        return pb.ListAwardedBadgesResponse(badges=map(awarded_badge_to_proto, badges), pending=pending)

    async def WatchStatistics(
        self, request: pb.WatchStatisticsRequest, context: Context
    ) -> AsyncIterator[pb.StatisticsChange]:
        """Streams what becomes of the caller's statistics."""
        call = current_call()
        seen = request.cursor or None
        async for news in self._use.watch_statistics(call.user_id, seen, time_zone=call.time_zone):
            if news is None:
                # Nothing may happen for long, and a watcher wants to know that it watches.
                await context.send_initial_metadata(())
            else:
                yield statistics_to_proto(news)

    async def WatchStatisticsAsEvents(
        self, request: pb.WatchStatisticsRequest, context: Context
    ) -> AsyncIterator[HttpBody]:
        """Streams the same as server-sent events."""
        call = current_call()
        seen = last_event_id(dict(context.invocation_metadata() or ()))
        if seen is None:
            seen = request.cursor or None
        async for news in self._use.watch_statistics(call.user_id, seen, time_zone=call.time_zone):
            if news is None:
                yield events_began()
            else:
                change = statistics_to_proto(news)
                yield to_event("snapshot" if news.whole else "changed", change.cursor, change)


@dataclass(frozen=True, slots=True)
class AdminUseCases:
    """What operators and other services may ask."""

    get_applied: GetApplied
    get_standing: GetStanding
    get_completion_effects: GetCompletionEffects
    list_daily_progress: ListDailyProgress
    load_badge_definitions: LoadBadgeDefinitions
    waiting: Waiting


class StatsAdminServicer(rpc.StatsAdminServiceServicer):
    """What the platform's own services and operators may ask."""

    def __init__(self, use_cases: AdminUseCases) -> None:
        self._use = use_cases

    async def GetApplied(self, request: pb.GetAppliedRequest, context: Context) -> pb.GetAppliedResponse:
        """Tells which events are facts."""
        applied, rejected = await self._use.get_applied([UUID(event_id) for event_id in request.event_ids])
        return pb.GetAppliedResponse(
            applied_event_ids=map(str, applied),
            rejected_events=[
                pb.RejectedEvent(event_id=str(event_id), reason=reason)
                for event_id, reason in rejected.items()
            ],
        )

    async def WaitUntilApplied(
        self, request: pb.WaitUntilAppliedRequest, context: Context
    ) -> pb.WaitUntilAppliedResponse:
        """Waits until a user's events are counted."""
        remaining = context.time_remaining()
        longest = math.inf if remaining is None else max(0.0, remaining - _WAY_SECONDS)
        applied = await self._use.waiting.wait(request.user_id, request.user_seq, longest_seconds=longest)
        return pb.WaitUntilAppliedResponse(pending=not applied)

    async def GetUserStanding(
        self, request: pb.GetUserStandingRequest, context: Context
    ) -> pb.GetStandingResponse:
        """Returns a user's totals and streak."""
        standing = await self._use.get_standing(
            request.user_id,
            request.product,
            min_user_seq=request.min_user_seq,
            time_zone=current_call().time_zone,
        )
        return standing_to_proto(standing)

    async def GetCompletionEffects(
        self, request: pb.GetCompletionEffectsRequest, context: Context
    ) -> pb.GetCompletionEffectsResponse:
        """Returns a user's standing with a completion, and the badges it earned."""
        effects = await self._use.get_completion_effects(
            request.user_id,
            request.product,
            request.session_id,
            min_user_seq=request.min_user_seq,
            time_zone=current_call().time_zone,
        )
        return completion_effects_to_proto(effects)

    async def ListUserDailyProgress(
        self, request: pb.ListUserDailyProgressRequest, context: Context
    ) -> pb.ListDailyProgressResponse:
        """Returns a user's progress by day."""
        progress = await self._use.list_daily_progress(
            request.user_id,
            request.product,
            date_from_proto(request.from_date, "from_date"),
            date_from_proto(request.to_date, "to_date"),
            min_user_seq=request.min_user_seq,
            time_zone=current_call().time_zone,
        )
        return daily_progress_to_proto(progress)

    async def LoadBadgeDefinitions(
        self, request: pb.LoadBadgeDefinitionsRequest, context: Context
    ) -> pb.LoadBadgeDefinitionsResponse:
        """Creates and changes badge definitions."""
        loaded = await self._use.load_badge_definitions(
            [*map(badge_content_from_proto, request.badge_definitions)]
        )
        return pb.LoadBadgeDefinitionsResponse(
            created_count=loaded.created, updated_count=loaded.updated, unchanged_count=loaded.unchanged
        )
