"""A session service for tests of the others: it takes down what they hear of users."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import grpc
from practice.session.v1 import calendar_service_pb2 as pb
from practice.session.v1 import calendar_service_pb2_grpc as rpc

from service_kit.grpc.guards import INTERNAL_KEY

# A user, their zone, and the Unix second they signed up in.
Told = tuple[int, str, int | None]


class Heard(rpc.LearnerAdminServiceServicer):
    """What was told, in order. While `answering` is not set, calls wait."""

    def __init__(self, internal_token: str) -> None:
        self._internal_token = internal_token
        self.told: list[Told] = []
        self.answering = asyncio.Event()
        self.answering.set()

    async def RememberCalendar(
        self, request: pb.RememberCalendarRequest, context: grpc.aio.ServicerContext[Any, Any]
    ) -> pb.RememberCalendarResponse:
        assert dict(context.invocation_metadata() or ())[INTERNAL_KEY] == self._internal_token
        await self.answering.wait()
        sign_up = request.sign_up_time
        assert sign_up.nanos == 0, "whole seconds, as in tokens"
        known = sign_up.seconds if request.HasField("sign_up_time") else None
        self.told.append((request.user_id, request.time_zone, known))
        return pb.RememberCalendarResponse()


@asynccontextmanager
async def hearing(internal_token: str) -> AsyncIterator[tuple[Heard, str]]:
    """Yields it and its address."""
    server = grpc.aio.server()
    heard = Heard(internal_token)
    rpc.add_LearnerAdminServiceServicer_to_server(heard, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        yield heard, f"127.0.0.1:{port}"
    finally:
        await server.stop(0)
