"""The focus product on the wire: every answer in its envelope."""

from __future__ import annotations

from typing import Any

import grpc
from google.protobuf.json_format import MessageToDict
from google.protobuf.struct_pb2 import NullValue, Value
from practice.products.focus.v1 import focus_service_pb2 as pb2
from practice.products.focus.v1.focus_service_pb2_grpc import FocusServiceServicer

from service_kit.call import current_call
from service_kit.errors import ServiceError
from service_kit.grpc.presentation import ProductError, answer_with_status, http_status, message_of
from service_kit.grpc.product_shapes import rfc3339
from session_service.adapters.grpc.products.shapes import nullable
from session_service.application.ports.reading import SessionSelection
from session_service.application.ports.sessions import SessionRef
from session_service.application.use_cases import UseCases
from session_service.domain.practice_session import PracticeSession
from session_service.domain.states import State

PRODUCT = "focus"
SERVICE = "practice.products.focus.v1.FocusService"
_DEFAULT_LIMIT = 20

Context = grpc.aio.ServicerContext[Any, Any]

_MESSAGES = {
    "SESSION_NOT_FOUND": "focus session not found",
    "SESSION_ALREADY_OPEN": "a focus session is already active or paused",
    "SESSION_ENDED": "focus session has already ended",
}


def present(error: ServiceError) -> ProductError:
    """Returns an error as this product's clients know it."""
    message = _MESSAGES.get(error.reason) or message_of(error)
    return ProductError(http_status(error), {"success": False, "message": message, "data": None})


class FocusServicer(FocusServiceServicer):
    """Implements practice.products.focus.v1.FocusService."""

    def __init__(self, use_cases: UseCases) -> None:
        self._use = use_cases

    async def StartSession(self, request: pb2.StartSessionRequest, context: Context) -> pb2.SessionResponse:
        """Starts a session; the gateway answers 201."""
        started = await self._use.start_session(
            current_call(), product=PRODUCT, planned_seconds=request.duration_seconds
        )
        await answer_with_status(context, 201)
        return _envelope("focus session started", started.session)

    async def GetActiveSession(
        self, request: pb2.GetActiveSessionRequest, context: Context
    ) -> pb2.NullableSessionResponse:
        """Returns the open session, or null."""
        session = await self._use.get_active_session(current_call(), PRODUCT)
        if session is None:
            return pb2.NullableSessionResponse(
                success=True, message="no active focus session", data=Value(null_value=NullValue.NULL_VALUE)
            )
        data = Value()
        data.struct_value.update(
            MessageToDict(
                _to_session(session),
                preserving_proto_field_name=True,
                always_print_fields_with_no_presence=True,
            )
        )
        return pb2.NullableSessionResponse(success=True, message="active focus session", data=data)

    async def PauseSession(self, request: pb2.PauseSessionRequest, context: Context) -> pb2.SessionResponse:
        """Pauses a session."""
        session = await self._use.pause_session(
            current_call(), SessionRef(request.id, PRODUCT), reported=request.elapsed_seconds
        )
        return _envelope("focus session paused", session)

    async def ResumeSession(self, request: pb2.ResumeSessionRequest, context: Context) -> pb2.SessionResponse:
        """Resumes a session."""
        session = await self._use.resume_session(current_call(), SessionRef(request.id, PRODUCT))
        return _envelope("focus session resumed", session)

    async def EndSession(self, request: pb2.EndSessionRequest, context: Context) -> pb2.SessionResponse:
        """Ends a session as completed or abandoned."""
        ended = await self._use.complete_session(
            current_call(),
            SessionRef(request.id, PRODUCT),
            outcome=State(request.status),
            reported=request.elapsed_seconds,
        )
        return _envelope(f"focus session {request.status}", ended.session)

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
        sessions = await self._use.list_sessions(selection)
        return pb2.ListSessionsResponse(
            success=True, message="focus sessions", data=[_to_session(session) for session in sessions]
        )


def _envelope(message: str, session: PracticeSession) -> pb2.SessionResponse:
    return pb2.SessionResponse(success=True, message=message, data=_to_session(session))


def _to_session(session: PracticeSession) -> pb2.Session:
    return pb2.Session(
        id=session.id,
        user_id=session.user_id,
        duration_seconds=session.planned_seconds or 0,
        elapsed_seconds=session.elapsed_seconds,
        status=session.state.value,
        started_at=rfc3339(session.started_at),
        ended_at=nullable(rfc3339(session.ended_at) if session.ended_at else None),
    )
