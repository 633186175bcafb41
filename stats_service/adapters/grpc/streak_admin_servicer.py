"""Freezes and repairs by operators, and the records of both."""

from __future__ import annotations

from typing import Any

import grpc
from practice.stats.v1 import streak_pb2
from practice.stats.v1 import streak_service_pb2 as pb
from practice.stats.v1 import streak_service_pb2_grpc as rpc

from service_kit.call import current_call
from stats_service.adapters.grpc.page_places import decode_place, encode_place, read_id, read_instant
from stats_service.adapters.grpc.streak_converters import demanded_date, from_entry
from stats_service.application.grant_freeze import GrantFreeze
from stats_service.application.list_streak_entries import ListStreakEntries, entry_place
from stats_service.application.repair_streak import RepairStreak

Context = grpc.aio.ServicerContext[Any, Any]

SERVICE = "practice.stats.v1.StreakAdminService"
_LIST = "ListStreakEntries"
_DEFAULT_PAGE = 50


class StreakAdminServicer(rpc.StreakAdminServiceServicer):
    """Implements practice.stats.v1.StreakAdminService."""

    def __init__(
        self, grant_freeze: GrantFreeze, repair_streak: RepairStreak, list_entries: ListStreakEntries
    ) -> None:
        self._grant_freeze = grant_freeze
        self._repair_streak = repair_streak
        self._list_entries = list_entries

    async def GrantFreeze(self, request: pb.GrantFreezeRequest, context: Context) -> streak_pb2.StreakEntry:
        """Grants a freeze."""
        granted = await self._grant_freeze(
            current_call(), request.user_id, request.product, actor=request.actor, reason=request.reason
        )
        return from_entry(granted, for_operators=True)

    async def RepairStreak(self, request: pb.RepairStreakRequest, context: Context) -> streak_pb2.StreakEntry:
        """Keeps a missed day."""
        repaired = await self._repair_streak(
            current_call(),
            request.user_id,
            request.product,
            demanded_date(request.date, "date"),
            actor=request.actor,
            reason=request.reason,
        )
        return from_entry(repaired, for_operators=True)

    async def ListStreakEntries(
        self, request: pb.ListStreakEntriesRequest, context: Context
    ) -> pb.ListStreakEntriesResponse:
        """Returns a page of entries."""
        limit = request.page_size or _DEFAULT_PAGE
        chosen: list[object] = [request.user_id]
        after = decode_place(_LIST, chosen, request.page_token, read_instant, read_id)
        entries = await self._list_entries(request.user_id, after=after, limit=limit + 1)
        more = encode_place(_LIST, chosen, entry_place(entries[limit - 1])) if len(entries) > limit else ""
        shown = [from_entry(entry, for_operators=True) for entry in entries[:limit]]
        return pb.ListStreakEntriesResponse(entries=shown, next_page_token=more)
