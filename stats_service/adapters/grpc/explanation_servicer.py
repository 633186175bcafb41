"""Explanations for oneself, and of anybody for operators."""

from __future__ import annotations

from typing import Any

import grpc
from practice.stats.v1 import explanation_service_pb2 as pb
from practice.stats.v1 import explanation_service_pb2_grpc as rpc

from service_kit.call import current_call
from stats_service.adapters.grpc.explaining import Explaining
from stats_service.application.find_account import FindAccount

Context = grpc.aio.ServicerContext[Any, Any]

ADMIN_SERVICE = "practice.stats.v1.ExplanationAdminService"


class ExplanationServicer(rpc.ExplanationServiceServicer):
    """Implements practice.stats.v1.ExplanationService."""

    def __init__(self, explaining: Explaining) -> None:
        self._explaining = explaining

    async def ExplainStreak(
        self, request: pb.ExplainStreakRequest, context: Context
    ) -> pb.ExplainStreakResponse:
        """Explains a streak of the caller's."""
        call = current_call()
        return await self._explaining.streak(call.user_id, request, call.time_zone)

    async def ExplainBreak(
        self, request: pb.ExplainBreakRequest, context: Context
    ) -> pb.ExplainBreakResponse:
        """Says what a day did to the caller's streak."""
        call = current_call()
        return await self._explaining.day(call.user_id, request, call.time_zone)

    async def ExplainBadge(
        self, request: pb.ExplainBadgeRequest, context: Context
    ) -> pb.ExplainBadgeResponse:
        """Explains a badge to the caller."""
        return await self._explaining.badge(current_call().user_id, request)

    async def ExplainTotal(
        self, request: pb.ExplainTotalRequest, context: Context
    ) -> pb.ExplainTotalResponse:
        """Explains a total of the caller's."""
        return await self._explaining.total(current_call().user_id, request)


class ExplanationAdminServicer(rpc.ExplanationAdminServiceServicer):
    """Implements practice.stats.v1.ExplanationAdminService. The operator's own zone means nothing here."""

    def __init__(self, explaining: Explaining, find_account: FindAccount) -> None:
        self._explaining = explaining
        self._find_account = find_account

    async def ExplainUserStreak(
        self, request: pb.ExplainUserStreakRequest, context: Context
    ) -> pb.ExplainStreakResponse:
        """Explains a streak of a user's."""
        await self._find_account(request.user_id)
        return await self._explaining.streak(request.user_id, request.question, None)

    async def ExplainUserBreak(
        self, request: pb.ExplainUserBreakRequest, context: Context
    ) -> pb.ExplainBreakResponse:
        """Says what a day did to a user's streak."""
        await self._find_account(request.user_id)
        return await self._explaining.day(request.user_id, request.question, None)

    async def ExplainUserBadge(
        self, request: pb.ExplainUserBadgeRequest, context: Context
    ) -> pb.ExplainBadgeResponse:
        """Explains a user's badge."""
        await self._find_account(request.user_id)
        return await self._explaining.badge(request.user_id, request.question)

    async def ExplainUserTotal(
        self, request: pb.ExplainUserTotalRequest, context: Context
    ) -> pb.ExplainTotalResponse:
        """Explains a user's total."""
        await self._find_account(request.user_id)
        return await self._explaining.total(request.user_id, request.question)
