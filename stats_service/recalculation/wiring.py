"""Wires recalculation into the server."""

from __future__ import annotations

import grpc
from celery import Celery
from practice.stats.v1 import recalculation_service_pb2_grpc as rpc
from sqlalchemy.ext.asyncio import AsyncEngine

from stats_service.recalculation.grpc import SERVICE, RecalculationAdminServicer, UseCases
from stats_service.recalculation.jobs import (
    CancelRecalculation,
    GetRecalculation,
    ListRecalculationDifferences,
    ResumeRecalculation,
    SendPending,
    StartRecalculation,
)
from stats_service.recalculation.jobs_sql import SqlJobStore
from stats_service.recalculation.tasks import CeleryRecalculationQueue

INTERNAL = frozenset({SERVICE})


def register_recalculations(server: grpc.aio.Server, engine: AsyncEngine, broker: Celery) -> None:
    """Adds the service to a server."""
    jobs = SqlJobStore(engine)
    send_pending = SendPending(jobs, CeleryRecalculationQueue(broker))
    use_cases = UseCases(
        StartRecalculation(jobs, send_pending),
        GetRecalculation(jobs),
        ListRecalculationDifferences(jobs),
        CancelRecalculation(jobs),
        ResumeRecalculation(jobs, send_pending),
    )
    rpc.add_RecalculationAdminServiceServicer_to_server(RecalculationAdminServicer(use_cases), server)
