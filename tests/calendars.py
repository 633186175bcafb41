"""A session service for tests of the others: it remembers the calendars they send."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import grpc
from practice.session.v1 import calendar_service_pb2 as pb
from practice.session.v1 import calendar_service_pb2_grpc as rpc

from service_kit.grpc.channels import INTERNAL_KEY

# A user, their zone, and the Unix second they signed up in.
Remembered = tuple[int, str, int | None]


class FakeCalendarService(rpc.LearnerAdminServiceServicer):
    """Remembers calendars, in order. While `answering` is not set, calls wait."""

    def __init__(self, internal_token: str) -> None:
        self._internal_token = internal_token
        self.forget()

    def forget(self) -> None:
        """Remembers nobody and answers at once."""
        self.remembered: list[Remembered] = []
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
        self.remembered.append((request.user_id, request.time_zone, known))
        return pb.RememberCalendarResponse()


@asynccontextmanager
async def serving_calendars(internal_token: str) -> AsyncIterator[tuple[FakeCalendarService, str]]:
    """Yields it and its address."""
    server = grpc.aio.server()
    calendar_service = FakeCalendarService(internal_token)
    rpc.add_LearnerAdminServiceServicer_to_server(calendar_service, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        yield calendar_service, f"127.0.0.1:{port}"
    finally:
        await server.stop(0)
