"""The portal's live updates, for the WebSocket bridge."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import grpc
from practice.products.portal.v1 import portal_service_pb2 as pb2
from practice.products.portal.v1.portal_service_pb2_grpc import PortalLiveServiceServicer

from service_kit.call import current_call
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


@dataclass(frozen=True, slots=True)
class UseCases:
    """What is watched live."""

    get_session: GetSession
    watch_session: WatchSession


class PortalLiveServicer(PortalLiveServiceServicer):
    """Serves the portal product's live updates."""

    def __init__(self, use_cases: UseCases, clock: Clock) -> None:
        self._use = use_cases
        self._clock = clock

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
