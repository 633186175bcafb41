"""The yoga product on the wire."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import grpc
from practice.products.yoga.v1 import yoga_service_pb2 as pb2
from practice.products.yoga.v1.yoga_service_pb2_grpc import YogaServiceServicer

from service_kit.call import current_call
from service_kit.errors import InvalidArgumentError, NotFoundError
from service_kit.grpc.presentation import answer_with_status
from session_service.adapters.grpc.products.shapes import content_name
from session_service.adapters.grpc.products.yoga import responses
from session_service.application.complete_session import CompleteWithSummary
from session_service.application.ports.readers import SessionSelection
from session_service.application.ports.sessions import SessionRef
from session_service.application.progress import GetMonth, GetStreak, GetSummary
from session_service.application.session_commands import PauseSession, ResumeSession, SetNote
from session_service.application.session_queries import GetActiveSession, ListSessions
from session_service.application.start_session import StartSession
from session_service.domain.states import State

PRODUCT = "yoga"
SERVICE = "practice.products.yoga.v1.YogaService"
_DEFAULT_PAGE = 20
Context = grpc.aio.ServicerContext[Any, Any]


@dataclass(frozen=True, slots=True)
class UseCases:
    """What this product's clients do."""

    start_session: StartSession
    complete_with_summary: CompleteWithSummary
    pause_session: PauseSession
    resume_session: ResumeSession
    set_note: SetNote
    get_active_session: GetActiveSession
    list_sessions: ListSessions
    get_streak: GetStreak
    get_summary: GetSummary
    get_month: GetMonth


class YogaServicer(YogaServiceServicer):
    """Serves the yoga product."""

    def __init__(self, use_cases: UseCases) -> None:
        self._use = use_cases

    async def StartSession(self, request: pb2.StartSessionRequest, context: Context) -> pb2.SessionResponse:
        """Starts a session; the gateway answers 201."""
        guided = request.HasField("sequence_id")
        content = content_name("sequences", request.sequence_id) if guided else ""
        started = await self._use.start_session(current_call(), product=PRODUCT, content=content)
        await answer_with_status(context, 201)
        return responses.session(started.session)

    async def CompleteSession(
        self, request: pb2.CompleteSessionRequest, context: Context
    ) -> pb2.CompleteSessionResponse:
        """Ends a session and tells the statistics with it."""
        ended = await self._use.complete_with_summary(
            current_call(),
            SessionRef(request.session_id, PRODUCT),
            outcome=State(request.completion_status),
            reported=request.duration_seconds,
        )
        return responses.completed(ended.session, ended.summary)

    async def PauseSession(
        self, request: pb2.PauseSessionRequest, context: Context
    ) -> pb2.PauseSessionResponse:
        """Pauses a session and keeps the time practised."""
        session = await self._use.pause_session(
            current_call(), SessionRef(request.session_id, PRODUCT), reported=request.duration_so_far
        )
        return responses.paused(session)

    async def ResumeSession(self, request: pb2.ResumeSessionRequest, context: Context) -> pb2.SessionResponse:
        """Resumes a session."""
        ref = SessionRef(request.session_id, PRODUCT)
        return responses.session(await self._use.resume_session(current_call(), ref))

    async def SetNotes(self, request: pb2.SetNotesRequest, context: Context) -> pb2.SetNotesResponse:
        """Writes down what the learner says of a session."""
        ref = SessionRef(request.session_id, PRODUCT)
        session = await self._use.set_note(current_call(), ref, request.notes)
        return pb2.SetNotesResponse(session_id=session.id, notes=session.note)

    async def GetCurrentSession(
        self, request: pb2.GetCurrentSessionRequest, context: Context
    ) -> pb2.SessionResponse:
        """Returns the newest open session."""
        session = await self._use.get_active_session(current_call(), PRODUCT)
        if session is None:
            raise NotFoundError("No active session found", reason="SESSION_NOT_FOUND")
        return responses.session(session)

    async def ListHistory(self, request: pb2.ListHistoryRequest, context: Context) -> pb2.ListHistoryResponse:
        """Lists the caller's sessions, open ones too, newest first."""
        selection = SessionSelection(
            user_id=current_call().user_id,
            product=PRODUCT,
            limit=request.limit if request.HasField("limit") else _DEFAULT_PAGE,
            offset=request.offset,
        )
        found = await self._use.list_sessions.page(selection)
        return responses.history(found)

    async def GetStats(self, request: pb2.GetStatsRequest, context: Context) -> pb2.GetStatsResponse:
        """Returns the statistics and the streaks."""
        call = current_call()
        streak = await self._use.get_streak(call, PRODUCT)
        return responses.stats(await self._use.get_summary(call, PRODUCT), streak)

    async def GetCalendar(self, request: pb2.GetCalendarRequest, context: Context) -> pb2.GetCalendarResponse:
        """Returns a month's practice by day."""
        month = await self._use.get_month(current_call(), PRODUCT, _first_day(request.month))
        return responses.calendar(month)


def _first_day(month: str) -> date | None:
    """Returns a month's first day, None for an empty text. Raises InvalidArgumentError for the year 0."""
    try:
        return date.fromisoformat(f"{month}-01") if month else None
    except ValueError as error:
        raise InvalidArgumentError(
            "month: must be of the years 1 to 9999", reason="FIELD_INVALID", field="month"
        ) from error
