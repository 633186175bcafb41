"""Wires leaderboards and summaries: the part of main.py for these rooms."""

from __future__ import annotations

from datetime import timedelta

import grpc
from practice.stats.v1 import leaderboard_service_pb2_grpc as leaderboard_rpc
from practice.stats.v1 import summary_service_pb2_grpc as summary_rpc
from sqlalchemy.ext.asyncio import AsyncEngine

from stats_service.adapters.db.leaderboard_settings import open_settings
from stats_service.adapters.db.leaderboards import SqlLeaderboardReader, board_key
from stats_service.adapters.db.reader import SqlReader
from stats_service.adapters.db.summaries import SqlSummaryReader
from stats_service.adapters.grpc.leaderboard_servicer import LeaderboardServicer
from stats_service.adapters.grpc.summary_servicer import SummaryServicer
from stats_service.application.get_best_hours import GetBestHours
from stats_service.application.get_heatmap import GetHeatmap
from stats_service.application.get_leaderboard import GetLeaderboard
from stats_service.application.get_leaderboard_settings import GetLeaderboardSettings
from stats_service.application.list_summaries import ListSummaries
from stats_service.application.own_days import Today
from stats_service.application.ports.surroundings import Clock
from stats_service.application.update_leaderboard_settings import UpdateLeaderboardSettings


def register_boards(
    server: grpc.aio.Server, engine: AsyncEngine, today: Today, clock: Clock, grace: timedelta
) -> None:
    """Adds the service about leaderboards to the server."""
    settings, key = open_settings(engine), board_key(engine)
    boards = LeaderboardServicer(
        GetLeaderboard(SqlLeaderboardReader(engine), key, today, clock, grace),
        GetLeaderboardSettings(settings, key),
        UpdateLeaderboardSettings(settings, key),
    )
    leaderboard_rpc.add_LeaderboardServiceServicer_to_server(boards, server)


def register_summaries(server: grpc.aio.Server, engine: AsyncEngine, today: Today) -> None:
    """Adds the service about summaries to the server."""
    summaries = SqlSummaryReader(engine)
    servicer = SummaryServicer(
        GetHeatmap(SqlReader(engine), today),
        ListSummaries(summaries, today),
        GetBestHours(summaries, today),
    )
    summary_rpc.add_SummaryServiceServicer_to_server(servicer, server)
