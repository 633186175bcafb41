"""Another service with data of people, for tests of who asks it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import grpc
from practice.privacy.v1 import erasure_pb2
from practice.privacy.v1 import personal_data_service_pb2 as pb
from practice.privacy.v1 import personal_data_service_pb2_grpc as rpc

from service_kit.grpc.channels import INTERNAL_KEY


class FakePersonalDataService(rpc.PersonalDataServiceServicer):
    """Gives a file in two pieces, and says that it removed something, once `answering` is set."""

    def __init__(self, name: str, internal_token: str) -> None:
        self.name = name
        self._internal_token = internal_token
        self.erased: list[tuple[int, str]] = []
        self.breaks_off = False
        self.answering = asyncio.Event()
        self.answering.set()

    async def ExportPersonalData(
        self, request: pb.ExportPersonalDataRequest, context: grpc.aio.ServicerContext[Any, Any]
    ) -> AsyncIterator[pb.DataChunk]:
        self._check(context)
        yield pb.DataChunk(file=f"{self.name}/things.json", data=b'[\n{"user_id": ', row_count=1)
        if self.breaks_off:
            await context.abort(grpc.StatusCode.UNAVAILABLE, "killed")
        yield pb.DataChunk(file=f"{self.name}/things.json", data=f"{request.user_id}}}\n]\n".encode())
        yield pb.DataChunk(file=f"{self.name}/things.csv", data=b"user_id\r\n")

    async def ErasePersonalData(
        self, request: pb.ErasePersonalDataRequest, context: grpc.aio.ServicerContext[Any, Any]
    ) -> erasure_pb2.ErasureReport:
        self._check(context)
        await self.answering.wait()
        self.erased.append((request.user_id, request.request_id))
        return erasure_pb2.ErasureReport(
            removed=[erasure_pb2.Removed(category="things", count=3)],
            corrected=[erasure_pb2.Corrected(what=f"{self.name} lists", count=1)],
        )

    def _check(self, context: grpc.aio.ServicerContext[Any, Any]) -> None:
        assert dict(context.invocation_metadata() or ())[INTERNAL_KEY] == self._internal_token


@asynccontextmanager
async def serving_personal_data(
    name: str, internal_token: str, port: int = 0
) -> AsyncIterator[tuple[FakePersonalDataService, str]]:
    """Yields it and its address."""
    server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
    other = FakePersonalDataService(name, internal_token)
    rpc.add_PersonalDataServiceServicer_to_server(other, server)
    bound = server.add_insecure_port(f"127.0.0.1:{port}")
    await server.start()
    try:
        yield other, f"127.0.0.1:{bound}"
    finally:
        await server.stop(0)
