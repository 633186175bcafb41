"""Asks another service to export or to erase a user's data."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager

import grpc
from practice.privacy.v1 import personal_data_service_pb2 as pb
from practice.privacy.v1.personal_data_service_pb2_grpc import PersonalDataServiceStub

from contract_kit.personal_data import report_from_proto
from identity_service.application.ports.erasures import PersonalDataClient
from service_kit.errors import UnavailableError
from service_kit.grpc.channels import INTERNAL_KEY
from service_kit.logging import get_logger
from service_kit.personal_data import FileChunk, Report
from service_kit.request_ids import with_request_id

log = get_logger(__name__)


class GrpcPersonalDataClient(PersonalDataClient):
    """Calls practice.privacy.v1.PersonalDataService of one service."""

    def __init__(self, channel: grpc.aio.Channel, internal_token: str, service: str) -> None:
        self._stub = PersonalDataServiceStub(channel)
        self._metadata = ((INTERNAL_KEY, internal_token),)
        self._service = service

    async def export(self, user_id: int) -> AsyncGenerator[FileChunk]:
        """Streams; who reads slowly is waited for."""
        request = pb.ExportPersonalDataRequest(user_id=user_id)
        call = self._stub.ExportPersonalData(request, metadata=with_request_id(self._metadata))
        try:
            with self._translated():
                async for chunk in call:
                    yield FileChunk(chunk.file, chunk.data, chunk.row_count)
        finally:
            call.cancel()

    async def erase(self, user_id: int, request_id: str, at_most_seconds: float) -> Report:
        """Asks once."""
        request = pb.ErasePersonalDataRequest(user_id=user_id, request_id=request_id)
        with self._translated():
            report = await self._stub.ErasePersonalData(
                request, metadata=with_request_id(self._metadata), timeout=at_most_seconds
            )
        return report_from_proto(report)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except grpc.aio.AioRpcError as error:
            log.warning("personal_data_service_silent", service=self._service, code=error.code().name)
            raise UnavailableError(
                f"The {self._service} service does not answer", part=self._service
            ) from error
