"""Serves practice.identity.v1.RevocationService: converts, calls the use case, converts back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import grpc
from practice.identity.v1 import revocation_service_pb2 as pb
from practice.identity.v1.revocation_service_pb2_grpc import RevocationServiceServicer

from identity_service.application.ports.accounts import RevocationPlace
from identity_service.application.tokens import ListRevocations
from service_kit.paging import PageRequest, invalid_page_token
from service_kit.revocations import Revocation

SERVICE = "practice.identity.v1.RevocationService"
_METHOD = "ListRevocations"
_PAGE = 1_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

Context = grpc.aio.ServicerContext[Any, Any]


class RevocationServicer(RevocationServiceServicer):
    """What other services ask to refuse tokens that were ended."""

    def __init__(self, list_revocations: ListRevocations) -> None:
        self._list_revocations = list_revocations

    async def ListRevocations(
        self, request: pb.ListRevocationsRequest, context: Context
    ) -> pb.ListRevocationsResponse:
        """Returns a page."""
        since = request.since.ToDatetime(UTC) if request.HasField("since") else None
        wanted = PageRequest(_METHOD, request.page_size, request.page_token, (str(since),), _PAGE)
        after = _place(wanted.position())
        page = await wanted.fill(
            lambda limit: self._list_revocations(since, after=after, limit=limit), _position
        )
        return pb.ListRevocationsResponse(
            revocations=map(_revocation_to_proto, page.items), next_page_token=page.next_page_token
        )


def _revocation_to_proto(revocation: Revocation) -> pb.Revocation:
    message = pb.Revocation(user_id=revocation.user_id, generation=revocation.generation)
    message.revoke_time.FromDatetime(revocation.revoked_at)
    return message


def _position(last: Revocation) -> list[int]:
    return [(last.revoked_at - _EPOCH) // _MICROSECOND, last.user_id]


def _place(position: Any) -> RevocationPlace | None:
    if position is None:
        return None
    try:
        microseconds, user_id = map(int, position)
        return RevocationPlace(_EPOCH + microseconds * _MICROSECOND, user_id)
    except (TypeError, ValueError, OverflowError):
        raise invalid_page_token() from None
