"""Serves practice.stats.v1.LeaderboardService: converts, calls the use case, converts back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import grpc
from google.protobuf.timestamp_pb2 import Timestamp
from practice.stats.v1 import leaderboard_pb2
from practice.stats.v1 import leaderboard_service_pb2 as pb
from practice.stats.v1 import leaderboard_service_pb2_grpc as rpc

from service_kit.call import current_call
from stats_service.adapters.grpc.converters import date_from_proto
from stats_service.domain.periods import Cadence
from stats_service.leaderboards.domain import Metric, State
from stats_service.leaderboards.ports import LeaderboardSettings
from stats_service.leaderboards.use_cases import (
    BoardPage,
    Entry,
    GetLeaderboard,
    GetLeaderboardSettings,
    UpdateLeaderboardSettings,
)

Context = grpc.aio.ServicerContext[Any, Any]


@dataclass(frozen=True, slots=True)
class UseCases:
    """What users do about leaderboards."""

    get_leaderboard: GetLeaderboard
    get_leaderboard_settings: GetLeaderboardSettings
    update_leaderboard_settings: UpdateLeaderboardSettings


class LeaderboardServicer(rpc.LeaderboardServiceServicer):
    """Implements practice.stats.v1.LeaderboardService."""

    def __init__(self, use_cases: UseCases) -> None:
        self._use = use_cases

    async def GetLeaderboard(
        self, request: pb.GetLeaderboardRequest, context: Context
    ) -> pb.GetLeaderboardResponse:
        """Returns a page of a board."""
        call = current_call()
        page = await self._use.get_leaderboard(
            call.user_id,
            request.product,
            cast("Cadence", request.period),
            date_from_proto(request.start_date, "start_date"),
            metric=cast("Metric", request.metric or "seconds"),
            page_size=request.page_size,
            page_token=request.page_token,
            min_user_seq=request.min_user_seq,
            time_zone=call.time_zone,
        )
        return _page_to_proto(page, call.user_id)

    async def GetLeaderboardSettings(
        self, request: pb.GetLeaderboardSettingsRequest, context: Context
    ) -> leaderboard_pb2.LeaderboardSettings:
        """Returns how the caller takes part."""
        return _settings_to_proto(await self._use.get_leaderboard_settings(current_call().user_id))

    async def UpdateLeaderboardSettings(
        self, request: pb.UpdateLeaderboardSettingsRequest, context: Context
    ) -> leaderboard_pb2.LeaderboardSettings:
        """Changes how the caller takes part."""
        settings = await self._use.update_leaderboard_settings(
            current_call(),
            alias=request.alias if request.HasField("alias") else None,
            opted_out=request.opted_out if request.HasField("opted_out") else None,
        )
        return _settings_to_proto(settings)


def _page_to_proto(page: BoardPage, user_id: int) -> pb.GetLeaderboardResponse:
    product, period = page.board.product, page.board.period
    closes_time = Timestamp()
    closes_time.FromDatetime(page.closes_time)
    return pb.GetLeaderboardResponse(
        leaderboard=leaderboard_pb2.Leaderboard(
            name=f"leaderboards/{product}/{period.kind}/{period.first.isoformat()}",
            product=product,
            period=period.kind,
            start_date=period.first.isoformat(),
            end_date=period.last.isoformat(),
            state=_STATES[page.state],
            closes_time=closes_time,
        ),
        entries=[_entry_to_proto(entry, user_id) for entry in page.entries],
        own_entry=_entry_to_proto(page.own, user_id) if page.own else None,
        total_size=page.total,
        next_page_token=page.next_page_token,
        pending=page.pending,
    )


def _entry_to_proto(entry: Entry, user_id: int) -> leaderboard_pb2.LeaderboardEntry:
    return leaderboard_pb2.LeaderboardEntry(
        rank=entry.rank,
        alias=entry.score.alias,
        elapsed_seconds=entry.score.seconds,
        session_count=entry.score.sessions,
        own=entry.score.user_id == user_id,
    )


def _settings_to_proto(settings: LeaderboardSettings) -> leaderboard_pb2.LeaderboardSettings:
    return leaderboard_pb2.LeaderboardSettings(alias=settings.alias, opted_out=settings.opted_out)


_STATES: Mapping[State, leaderboard_pb2.LeaderboardState.ValueType] = {
    "open": leaderboard_pb2.LEADERBOARD_STATE_OPEN,
    "closing": leaderboard_pb2.LEADERBOARD_STATE_CLOSING,
    "final": leaderboard_pb2.LEADERBOARD_STATE_FINAL,
}
