"""Wires leaderboards into the server."""

from __future__ import annotations

from datetime import timedelta

import grpc
from practice.stats.v1 import leaderboard_service_pb2_grpc as leaderboard_rpc
from sqlalchemy.ext.asyncio import AsyncEngine

from stats_service.application.ports.clock import Clock
from stats_service.application.today import Today
from stats_service.leaderboards.grpc import LeaderboardServicer, UseCases
from stats_service.leaderboards.sql import SqlLeaderboardReader, board_key, open_settings
from stats_service.leaderboards.use_cases import (
    GetLeaderboard,
    GetLeaderboardSettings,
    UpdateLeaderboardSettings,
)


def register_boards(
    server: grpc.aio.Server, engine: AsyncEngine, today: Today, clock: Clock, grace: timedelta
) -> None:
    """Adds the service about leaderboards to the server."""
    settings, key = open_settings(engine), board_key(engine)
    use_cases = UseCases(
        GetLeaderboard(SqlLeaderboardReader(engine), key, today, clock, grace),
        GetLeaderboardSettings(settings, key),
        UpdateLeaderboardSettings(settings, key),
    )
    leaderboard_rpc.add_LeaderboardServiceServicer_to_server(LeaderboardServicer(use_cases), server)
