"""Hands what calls say of a user's calendar to the session service, which remembers it."""

from __future__ import annotations

from datetime import datetime

import grpc
from practice.session.v1.calendar_service_pb2 import RememberCalendarRequest
from practice.session.v1.calendar_service_pb2_grpc import LearnerAdminServiceStub

from service_kit.grpc.channels import INTERNAL_KEY
from service_kit.request_ids import with_request_id


class CalendarSender:
    """Sends a user's zone and sign-up, for service_kit.zone_handover; who awaits it sets the deadline."""

    def __init__(self, channel: grpc.aio.Channel, internal_token: str) -> None:
        self._stub = LearnerAdminServiceStub(channel)
        self._metadata = ((INTERNAL_KEY, internal_token),)

    async def __call__(self, user_id: int, zone: str | None, signed_up_at: datetime | None) -> None:
        """Returns once it is in force. Raises grpc.aio.AioRpcError. Idempotent."""
        request = RememberCalendarRequest(user_id=user_id, time_zone=zone or "")
        if signed_up_at is not None:
            request.sign_up_time.FromDatetime(signed_up_at)
        await self._stub.RememberCalendar(request, metadata=with_request_id(self._metadata))
