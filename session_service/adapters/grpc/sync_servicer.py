"""What devices made offline: convert, call the use case, convert back."""

from __future__ import annotations

import asyncio
from typing import Any

import grpc
from practice.session.v1 import sync_service_pb2 as pb2
from practice.session.v1.sync_service_pb2_grpc import SyncServiceServicer

from service_kit.call import current_call
from service_kit.errors import InvalidArgumentError
from session_service.adapters.grpc.sync_converters import to_item, to_result
from session_service.application.sync_sessions import UnreadableItem
from session_service.application.use_cases import UseCases
from session_service.domain.offline import OfflineItem

Context = grpc.aio.ServicerContext[Any, Any]

_MOST_ANSWERS = 20_000
# After as many items and answers, other calls get their turn.
_CONVERTED_AT_ONCE = 1_000


class SyncServicer(SyncServiceServicer):
    """Implements practice.session.v1.SyncService."""

    def __init__(self, use_cases: UseCases) -> None:
        self._use = use_cases

    async def SyncSessions(  # noqa: N802 (gRPC names)
        self, request: pb2.SyncSessionsRequest, context: Context
    ) -> pb2.SyncSessionsResponse:
        """Merges what was made offline."""
        answers = sum(len(item.session.answers) + item.HasField("answer") for item in request.items)
        if answers > _MOST_ANSWERS:
            raise InvalidArgumentError(
                f"A call has at most {_MOST_ANSWERS} answers", reason="FIELD_INVALID", field="items"
            )
        synced = await self._use.sync_sessions(current_call(), await _to_items(request))
        return pb2.SyncSessionsResponse(
            results=map(to_result, synced.results),
            user_seq=synced.user_seq,
            statistics_pending=synced.statistics_pending,
        )


async def _to_items(request: pb2.SyncSessionsRequest) -> list[OfflineItem | UnreadableItem]:
    items: list[OfflineItem | UnreadableItem] = []
    converted = 0
    for item in request.items:
        items.append(to_item(item))
        converted += 1 + len(item.session.answers)
        if converted >= _CONVERTED_AT_ONCE:
            converted = 0
            await asyncio.sleep(0)
    return items
