"""Wires recalculation into the server."""

from __future__ import annotations

import grpc
from celery import Celery
from practice.stats.v1 import recalculation_service_pb2_grpc as rpc
from sqlalchemy.ext.asyncio import AsyncEngine

from stats_service.adapters.celery.recalculations import CeleryRecalculationQueue
from stats_service.adapters.db.recalculation_book import SqlRecalculationBook
from stats_service.adapters.grpc.recalculation_servicer import RecalculationAdminServicer, UseCases
from stats_service.application.cancel_recalculation import CancelRecalculation
from stats_service.application.get_recalculation import GetRecalculation
from stats_service.application.list_recalculation_differences import ListRecalculationDifferences
from stats_service.application.resume_recalculation import ResumeRecalculation
from stats_service.application.start_recalculation import SendPending, StartRecalculation


def register_recalculations(server: grpc.aio.Server, engine: AsyncEngine, broker: Celery) -> None:
    """Adds the service to a server."""
    book = SqlRecalculationBook(engine)
    send_pending = SendPending(book, CeleryRecalculationQueue(broker))
    use_cases = UseCases(
        StartRecalculation(book, send_pending),
        GetRecalculation(book),
        ListRecalculationDifferences(book),
        CancelRecalculation(book),
        ResumeRecalculation(book, send_pending),
    )
    rpc.add_RecalculationAdminServiceServicer_to_server(RecalculationAdminServicer(use_cases), server)
