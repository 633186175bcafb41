"""Serves practice.privacy.v1.PersonalDataService, by which the identity service asks every other."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from typing import Any

import grpc
from practice.privacy.v1 import erasure_pb2
from practice.privacy.v1 import personal_data_service_pb2 as pb
from practice.privacy.v1.personal_data_service_pb2_grpc import (
    PersonalDataServiceServicer,
    add_PersonalDataServiceServicer_to_server,
)

from service_kit.logging import get_logger
from service_kit.personal_data import FileChunk, Report

SERVICE = "practice.privacy.v1.PersonalDataService"

Context = grpc.aio.ServicerContext[Any, Any]
Export = Callable[[int], AsyncGenerator[FileChunk]]
Erase = Callable[[int, str], Awaitable[Report]]

log = get_logger(__name__)


class PersonalDataServicer(PersonalDataServiceServicer):
    """Exports and erases what a service keeps of a user.

    `export` yields the files of a user; what is written meanwhile may be
    missing. `erase` takes a user and the id of the request, and is idempotent.
    """

    def __init__(self, export: Export, erase: Erase) -> None:
        self._export = export
        self._erase = erase

    async def ExportPersonalData(
        self, request: pb.ExportPersonalDataRequest, context: Context
    ) -> AsyncIterator[pb.DataChunk]:
        """Streams a user's files, of which no more than a piece is in memory."""
        async with aclosing(self._export(request.user_id)) as chunks:
            async for chunk in chunks:
                yield pb.DataChunk(file=chunk.file, data=chunk.data, row_count=chunk.rows)

    async def ErasePersonalData(
        self, request: pb.ErasePersonalDataRequest, context: Context
    ) -> erasure_pb2.ErasureReport:
        """Deletes everything of a user for good. The same request gets the same report."""
        report = await self._erase(request.user_id, request.request_id)
        log.info("personal_data_erased", erased=request.user_id, removed=dict(report.removed))
        return erasure_pb2.ErasureReport(
            removed=removed_to_proto(report), corrected=corrected_to_proto(report)
        )


def register_personal_data(server: grpc.aio.Server, export: Export, erase: Erase) -> None:
    """Adds the service to a server."""
    add_PersonalDataServiceServicer_to_server(PersonalDataServicer(export, erase), server)


def removed_to_proto(report: Report) -> list[erasure_pb2.Removed]:
    """Returns how many entries of each category were deleted, by category."""
    return [
        erasure_pb2.Removed(category=category, count=count)
        for category, count in sorted(report.removed.items())
    ]


def corrected_to_proto(report: Report) -> list[erasure_pb2.Corrected]:
    """Returns what was put right for others, by what it is."""
    return [erasure_pb2.Corrected(what=what, count=count) for what, count in sorted(report.corrected.items())]


def report_from_proto(message: erasure_pb2.ErasureReport) -> Report:
    """Returns what a service did to forget a user."""
    return Report(
        {each.category: each.count for each in message.removed},
        {each.what: each.count for each in message.corrected},
    )
