"""Personal data: convert, call the use case, convert back."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

import grpc
from practice.privacy.v1 import erasure_pb2
from practice.privacy.v1 import personal_data_service_pb2 as pb2
from practice.privacy.v1.personal_data_service_pb2_grpc import PersonalDataServiceServicer

from session_service.application.personal_data import ErasePersonalData, ExportPersonalData

SERVICE = "practice.privacy.v1.PersonalDataService"

Context = grpc.aio.ServicerContext[Any, Any]


class PersonalDataServicer(PersonalDataServiceServicer):
    """Serves what is kept of users."""

    def __init__(self, export: ExportPersonalData, erase: ErasePersonalData) -> None:
        self._export = export
        self._erase = erase

    async def ExportPersonalData(
        self, request: pb2.ExportPersonalDataRequest, context: Context
    ) -> AsyncIterator[pb2.DataChunk]:
        """Streams a user's files."""
        async with aclosing(self._export(request.user_id)) as chunks:
            async for chunk in chunks:
                yield pb2.DataChunk(file=chunk.file, data=chunk.data, row_count=chunk.rows)

    async def ErasePersonalData(
        self, request: pb2.ErasePersonalDataRequest, context: Context
    ) -> erasure_pb2.ErasureReport:
        """Erases a user."""
        report = await self._erase(request.user_id, request.request_id)
        return erasure_pb2.ErasureReport(
            removed=[
                erasure_pb2.Removed(category=category, count=count)
                for category, count in sorted(report.removed.items())
            ],
            corrected=[
                erasure_pb2.Corrected(what=what, count=count)
                for what, count in sorted(report.corrected.items())
            ],
        )
