"""What devices made offline: convert, call the use case, convert back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any, TypeVar

import grpc
from practice.session.v1 import sync_service_pb2 as pb2
from practice.session.v1.sync_service_pb2_grpc import SyncServiceServicer

from service_kit.call import Call, RequestIdentity, current_call
from service_kit.errors import InvalidArgumentError
from session_service.adapters.grpc import sync_json
from session_service.adapters.grpc.sync_converters import to_item, to_result
from session_service.application.sync_sessions import Synced, UnreadableItem
from session_service.application.use_cases import UseCases
from session_service.domain.offline import OfflineItem

Context = grpc.aio.ServicerContext[Any, Any]

Item = TypeVar("Item")
Converted = OfflineItem | UnreadableItem

# One request has one identity, however it comes.
_METHOD = "/practice.session.v1.SyncService/SyncSessions"
_MOST_ANSWERS = 20_000
# After as many items and answers, other calls get their turn.
_CONVERTED_AT_ONCE = 1_000


class SyncServicer(SyncServiceServicer):
    """Implements practice.session.v1.SyncService."""

    def __init__(self, use_cases: UseCases) -> None:
        self._use = use_cases

    async def SyncSessions(
        self, request: pb2.SyncSessionsRequest, context: Context
    ) -> pb2.SyncSessionsResponse:
        """Merges what was made offline."""
        _check_answers(sum(map(_answers_in, request.items)))
        items = await _converted(request.items, to_item, _answers_in)
        return _to_response(await self._use.sync_sessions(current_call(), items))

    async def SyncSessionsJson(
        self, request: pb2.SyncSessionsJsonRequest, context: Context
    ) -> pb2.SyncSessionsResponse:
        """Merges what was made offline, from JSON that may have any fault in an item."""
        batch = await asyncio.to_thread(sync_json.read, request.body.data)
        _check_answers(batch.answer_count)
        items = await _converted(batch.items, sync_json.to_item, sync_json.answers_in)
        return _to_response(await self._use.sync_sessions(_call_of(batch), items))


def _call_of(batch: sync_json.JsonBatch) -> Call:
    """Returns the call with the identity of what the JSON says, under the key in it or else the header's."""
    call = current_call()
    key = batch.request_id or (call.request.key if call.request else "")
    return replace(call, request=RequestIdentity(key, _METHOD, batch.digest) if key else None)


def _answers_in(item: pb2.SyncItem) -> int:
    return len(item.session.answers) + item.HasField("answer")


def _check_answers(count: int) -> None:
    if count > _MOST_ANSWERS:
        raise InvalidArgumentError(
            f"A call has at most {_MOST_ANSWERS} answers", reason="FIELD_INVALID", field="items"
        )


async def _converted(
    items: Iterable[Item], convert: Callable[[Item], Converted], answers_in: Callable[[Item], int]
) -> list[Converted]:
    converted: list[Converted] = []
    weight = 0
    for item in items:
        converted.append(convert(item))
        weight += 1 + answers_in(item)
        if weight >= _CONVERTED_AT_ONCE:
            weight = 0
            await asyncio.sleep(0)
    return converted


def _to_response(synced: Synced) -> pb2.SyncSessionsResponse:
    return pb2.SyncSessionsResponse(
        results=map(to_result, synced.results),
        user_seq=synced.user_seq,
        statistics_pending=synced.statistics_pending,
    )
