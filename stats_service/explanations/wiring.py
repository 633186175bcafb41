"""Wires explanations into the server."""

from __future__ import annotations

import grpc
from practice.stats.v1 import explanation_service_pb2_grpc as rpc
from sqlalchemy.ext.asyncio import AsyncEngine

from stats_service.application.ports.clock import Clock
from stats_service.explanations.grpc import (
    ADMIN_SERVICE,
    Explaining,
    ExplanationAdminServicer,
    ExplanationServicer,
    UseCases,
)
from stats_service.explanations.sql import SqlExplanationReader
from stats_service.explanations.use_cases import (
    AsOfReader,
    ExplainBadge,
    ExplainBreak,
    ExplainStreak,
    ExplainTotal,
    FindAccount,
)

INTERNAL = frozenset({ADMIN_SERVICE})


def register_explanations(server: grpc.aio.Server, engine: AsyncEngine, clock: Clock) -> None:
    """Adds the services that explain to the server."""
    reader = SqlExplanationReader(engine)
    read_as_of = AsOfReader(reader, clock)
    use_cases = UseCases(
        streak=ExplainStreak(reader, read_as_of),
        day=ExplainBreak(reader, read_as_of),
        badge=ExplainBadge(reader),
        total=ExplainTotal(reader, clock),
    )
    own, admin = (Explaining(use_cases, for_operators=each) for each in (False, True))
    find_account = FindAccount(reader)
    rpc.add_ExplanationServiceServicer_to_server(ExplanationServicer(own), server)
    rpc.add_ExplanationAdminServiceServicer_to_server(ExplanationAdminServicer(admin, find_account), server)
