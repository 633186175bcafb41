"""The focus product on the wire."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import grpc
from practice.products.focus.v1 import focus_service_pb2 as pb2
from practice.products.focus.v1.focus_service_pb2_grpc import FocusServiceServicer

from service_kit.call import current_call
from service_kit.grpc.presentation import answer_with_status
from session_service.adapters.grpc.products.focus import responses
from session_service.application.complete_session import CompleteSession
from session_service.application.ports.readers import SessionSelection
from session_service.application.ports.sessions import SessionRef
from session_service.application.session_commands import PauseSession, ResumeSession
from session_service.application.session_queries import GetActiveSession, ListSessions
from session_service.application.start_session import StartSession
from session_service.domain.states import State

PRODUCT = "focus"
SERVICE = "practice.products.focus.v1.FocusService"
_DEFAULT_LIMIT = 20

Context = grpc.aio.ServicerContext[Any, Any]


@dataclass(frozen=True, slots=True)
class UseCases:
    """What this product's clients do."""

    start_session: StartSession
    get_active_session: GetActiveSession
    pause_session: PauseSession
    resume_session: ResumeSession
    complete_session: CompleteSession
    list_sessions: ListSessions


class FocusServicer(FocusServiceServicer):
    """Serves the focus product."""

    def __init__(self, use_cases: UseCases) -> None:
        self._use = use_cases

    async def StartSession(self, request: pb2.StartSessionRequest, context: Context) -> pb2.SessionResponse:
        """Starts a session; the gateway answers 201."""
        started = await self._use.start_session(
            current_call(), product=PRODUCT, planned_seconds=request.duration_seconds
        )
        await answer_with_status(context, 201)
        return responses.session("focus session started", started.session)

    async def GetActiveSession(
        self, request: pb2.GetActiveSessionRequest, context: Context
    ) -> pb2.NullableSessionResponse:
        """Returns the open session, or null."""
        session = await self._use.get_active_session(current_call(), PRODUCT)
        return responses.active(session)

    async def PauseSession(self, request: pb2.PauseSessionRequest, context: Context) -> pb2.SessionResponse:
        """Pauses a session."""
        session = await self._use.pause_session(
            current_call(), SessionRef(request.id, PRODUCT), reported=request.elapsed_seconds
        )
        return responses.session("focus session paused", session)

    async def ResumeSession(self, request: pb2.ResumeSessionRequest, context: Context) -> pb2.SessionResponse:
        """Resumes a session."""
        session = await self._use.resume_session(current_call(), SessionRef(request.id, PRODUCT))
        return responses.session("focus session resumed", session)

    async def EndSession(self, request: pb2.EndSessionRequest, context: Context) -> pb2.SessionResponse:
        """Ends a session as completed or abandoned."""
        ended = await self._use.complete_session(
            current_call(),
            SessionRef(request.id, PRODUCT),
            outcome=State(request.status),
            reported=request.elapsed_seconds,
        )
        return responses.session(f"focus session {request.status}", ended.session)

    async def ListSessions(
        self, request: pb2.ListSessionsRequest, context: Context
    ) -> pb2.ListSessionsResponse:
        """Lists the caller's sessions, newest first."""
        selection = SessionSelection(
            user_id=current_call().user_id,
            product=PRODUCT,
            before_id=request.before if request.HasField("before") else None,
            limit=request.limit if request.HasField("limit") else _DEFAULT_LIMIT,
        )
        return responses.history(await self._use.list_sessions(selection))
