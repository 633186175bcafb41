"""The portal's live updates, for the WebSocket bridge."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine
from dataclasses import dataclass
from functools import partial
from typing import Any

import grpc
from practice.products.portal.v1 import portal_service_pb2 as pb2
from practice.products.portal.v1.portal_service_pb2_grpc import PortalLiveServiceServicer

from service_kit.call import current_call
from service_kit.grpc.streams import SharedCall, SharedCalls
from service_kit.request_ids import REQUEST_ID_KEY
from session_service.adapters.grpc.products.portal.requests import (
    DEFAULT_TIME_LIMIT,
    LONGEST_TIME_LIMIT,
    session_ref,
    whole,
)
from session_service.adapters.grpc.products.portal.responses import rate
from session_service.application.ports.clock import Clock
from session_service.application.ports.readers import JournalEntry
from session_service.application.session_queries import GetSession
from session_service.application.watch_session import Snapshot, WatchSession
from session_service.domain.practice_session import PracticeSession
from session_service.domain.states import Change

Context = grpc.aio.ServicerContext[Any, Any]
Watch = Callable[[pb2.WatchSessionRequest, SharedCall], Coroutine[Any, Any, None]]
# Serves a call of a method, by its full name, that a stream carries.
ServeShared = Callable[[str, pb2.WatchSessionRequest, SharedCall], Coroutine[Any, Any, None]]

_SERVICE = "/practice.products.portal.v1.PortalLiveService"
WATCH = f"{_SERVICE}/WatchSession"
LISTEN = f"{_SERVICE}/ListenToSessions"


@dataclass(frozen=True, slots=True)
class UseCases:
    """What is watched live."""

    get_session: GetSession
    watch_session: WatchSession


class PortalLiveServicer(PortalLiveServiceServicer):
    """Serves the portal product's live updates."""

    def __init__(self, use_cases: UseCases, clock: Clock, serve_shared: ServeShared) -> None:
        self._use = use_cases
        self._clock = clock
        self._watch = partial(serve_shared, WATCH)

    def ListenToSessions(
        self, request_iterator: AsyncIterator[pb2.ListenToSessionsRequest], context: Context
    ) -> AsyncIterator[pb2.ListenToSessionsResponse]:
        """Streams the watches of many listeners."""
        return carry(request_iterator, self._watch)

    async def WatchSession(
        self, request: pb2.WatchSessionRequest, context: Context
    ) -> AsyncIterator[pb2.LiveUpdate]:
        """Streams the state of a session after each of its changes."""
        call, ref = current_call(), session_ref(request.session_id)
        # What never changes: when it began and its time limit.
        session = await self._use.get_session(call, ref)
        async for happened in await self._use.watch_session(call, ref, request.cursor):
            if isinstance(happened, Snapshot):
                yield self._state(happened.session)
            else:
                yield _update(session, happened)

    def _state(self, session: PracticeSession) -> pb2.LiveUpdate:
        return pb2.LiveUpdate(
            completed=session.answered_item_count,
            remaining=session.item_count - session.answered_item_count,
            success_rate=rate(session.correct_answer_count, session.answer_count),
            current_streak=session.right_run,
            elapsed=session.duration_at(self._clock()),
            time_limit=_time_limit(session),
            ended=not session.state.is_open,
            words_mastered=session.mastered_item_count,
            cursor=session.version,
        )


async def carry(
    requests: AsyncIterator[pb2.ListenToSessionsRequest], watch: Watch
) -> AsyncGenerator[pb2.ListenToSessionsResponse]:
    """Yields what there is to tell the listeners whose requests come, each served by `watch`."""
    calls = SharedCalls(watch)
    taking = asyncio.create_task(_take(requests, calls))
    try:
        async for lot in calls.replies():
            yield pb2.ListenToSessionsResponse(
                replies=[
                    pb2.ListenerReply(listener=number, update=update, status=status)
                    for number, update, status in lot
                ]
            )
        await taking
    finally:
        taking.cancel()
        await calls.close()


async def _take(requests: AsyncIterator[pb2.ListenToSessionsRequest], calls: SharedCalls) -> None:
    try:
        async for lot in requests:
            for request in lot.requests:
                _pass_on(request, calls)
    finally:
        calls.end()


def _pass_on(request: pb2.ListenerRequest, calls: SharedCalls) -> None:
    if request.leave:
        calls.leave(request.listener)
    elif request.HasField("watch"):
        metadata = {"authorization": f"Bearer {request.token}"}
        if request.request_id:
            metadata[REQUEST_ID_KEY] = request.request_id
        calls.begin(request.listener, request.watch, metadata, request.credit)
    else:
        calls.take(request.listener, request.credit)


def _update(session: PracticeSession, entry: JournalEntry) -> pb2.LiveUpdate:
    return pb2.LiveUpdate(
        completed=entry.answered_item_count,
        remaining=entry.item_count - entry.answered_item_count,
        success_rate=rate(entry.correct_answer_count, entry.answer_count),
        current_streak=entry.right_run,
        elapsed=max(0, int((entry.at - session.started_at).total_seconds())),
        time_limit=_time_limit(session),
        answered=entry.change is Change.ANSWERED,
        ended=entry.change is Change.ENDED,
        words_mastered=entry.mastered_item_count,
        cursor=entry.sequence,
    )


def _time_limit(session: PracticeSession) -> int:
    """Returns the limit in seconds; sessions started elsewhere may have none, or call another thing so."""
    return whole(session.settings.get("time_limit"), LONGEST_TIME_LIMIT) or DEFAULT_TIME_LIMIT
