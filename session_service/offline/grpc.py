"""Sync for devices: convert, call the use case, convert back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any, TypeVar

import grpc
from practice.session.v1 import sync_service_pb2 as pb2
from practice.session.v1.sync_service_pb2_grpc import SyncServiceServicer

from service_kit.call import Call, RequestIdentity, current_call, reach
from service_kit.errors import InvalidArgumentError
from service_kit.grpc.saved_responses import respond_once
from service_kit.once import SavedResponse, SavedResponses
from session_service.offline import json_items
from session_service.offline.converters import item_from_proto, result_to_proto
from session_service.offline.domain import OfflineItem
from session_service.offline.use_cases import Synced, SyncSessions, UnreadableItem

Context = grpc.aio.ServicerContext[Any, Any]

Item = TypeVar("Item")
Converted = OfflineItem | UnreadableItem

# One request has one identity, however it comes.
_METHOD = "/practice.session.v1.SyncService/SyncSessions"
_MOST_ANSWERS = 20_000
# After as many items and answers, other calls get their turn.
_CONVERTED_AT_ONCE = 1_000


class SyncServicer(SyncServiceServicer):
    """Serves devices that were offline."""

    def __init__(self, sync_sessions: SyncSessions, responses: SavedResponses) -> None:
        self._sync_sessions = sync_sessions
        self._responses = responses

    async def SyncSessions(
        self, request: pb2.SyncSessionsRequest, context: Context
    ) -> pb2.SyncSessionsResponse:
        """Merges what was made offline."""
        _check_answers(sum(map(_answers_in, request.items)))
        items = await _convert(request.items, item_from_proto, _answers_in)
        return _synced_to_proto(await self._sync_sessions(current_call(), items))

    async def SyncSessionsJson(
        self, request: pb2.SyncSessionsJsonRequest, context: Context
    ) -> pb2.SyncSessionsResponse:
        """Merges what was made offline, from JSON that may have any fault in an item."""
        batch = await asyncio.to_thread(json_items.read_batch, request.body.data)
        _check_answers(batch.answer_count)
        call = _call_of(batch)

        async def handle() -> SavedResponse:
            items = await _convert(batch.items, json_items.read_item, json_items.answers_in)
            synced = _synced_to_proto(await self._sync_sessions(call, items))
            return SavedResponse(synced.SerializeToString())

        # The interceptor cannot know which request this is: the JSON says so.
        saved = await respond_once(self._responses, call, handle)
        response = pb2.SyncSessionsResponse.FromString(saved.message)
        reach(response.user_seq)
        return response


def _call_of(batch: json_items.JsonBatch) -> Call:
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


async def _convert(
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


def _synced_to_proto(synced: Synced) -> pb2.SyncSessionsResponse:
    return pb2.SyncSessionsResponse(
        results=map(result_to_proto, synced.results),
        user_seq=synced.user_seq,
        statistics_pending=synced.statistics_pending,
    )
