"""The canonical API of sessions: convert, call the use case, convert back."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import grpc
from google.api.httpbody_pb2 import HttpBody
from practice.events.v1 import calendar_changed_pb2, session_ended_pb2
from practice.session.v1 import practice_session_pb2 as session_pb2
from practice.session.v1 import session_service_pb2 as pb2
from practice.session.v1.session_service_pb2_grpc import SessionExportServiceServicer, SessionServiceServicer

from service_kit.call import current_call
from service_kit.grpc.presentation import events_began, events_ended, last_event_id, to_event
from service_kit.paging import PageRequest
from session_service.adapters.events import calendar_changed_to_proto, ended_to_proto
from session_service.adapters.grpc import converters as convert
from session_service.application.complete_session import CompleteSession
from session_service.application.exports import ExportCalendarChanges, ExportCompletions
from session_service.application.ports.clock import Clock
from session_service.application.ports.readers import SessionSelection
from session_service.application.session_commands import (
    AbandonSession,
    AddMessage,
    PauseSession,
    ResumeSession,
    SaveDraft,
    SetNote,
)
from session_service.application.session_queries import (
    GetActiveSession,
    GetDraft,
    GetSession,
    GetSessionReport,
    ListMessages,
    ListSessionItems,
    ListSessions,
)
from session_service.application.start_session import OnConflict, StartSession
from session_service.application.submit_answers import Answered, RecordStandaloneAnswer, SubmitAnswers
from session_service.application.watch_session import WatchSession
from session_service.domain.items import DEFAULT_COUNT, DEFAULT_DIFFICULTY, Selection
from session_service.domain.states import State

Context = grpc.aio.ServicerContext[Any, Any]

EXPORT_SERVICE = "practice.session.v1.SessionExportService"

_DEFAULT_MESSAGES = 100

_ON_CONFLICT = {
    pb2.StartSessionRequest.ON_CONFLICT_UNSPECIFIED: OnConflict.POLICY,
    pb2.StartSessionRequest.ON_CONFLICT_REJECT: OnConflict.REJECT,
    pb2.StartSessionRequest.ON_CONFLICT_ABANDON: OnConflict.ABANDON,
}
_OUTCOMES = {
    pb2.CompleteSessionRequest.OUTCOME_UNSPECIFIED: State.COMPLETED,
    pb2.CompleteSessionRequest.OUTCOME_COMPLETED: State.COMPLETED,
    pb2.CompleteSessionRequest.OUTCOME_PARTIAL: State.PARTIAL,
}


@dataclass(frozen=True, slots=True)
class UseCases:
    """What learners do in sessions."""

    start_session: StartSession
    get_session: GetSession
    get_active_session: GetActiveSession
    list_sessions: ListSessions
    list_session_items: ListSessionItems
    get_session_report: GetSessionReport
    watch_session: WatchSession
    submit_answers: SubmitAnswers
    record_standalone_answer: RecordStandaloneAnswer
    set_note: SetNote
    save_draft: SaveDraft
    get_draft: GetDraft
    add_message: AddMessage
    list_messages: ListMessages
    pause_session: PauseSession
    resume_session: ResumeSession
    complete_session: CompleteSession
    abandon_session: AbandonSession


class SessionServicer(SessionServiceServicer):
    """Serves the canonical API of sessions."""

    def __init__(self, use_cases: UseCases, clock: Clock) -> None:
        self._use = use_cases
        self._clock = clock

    async def StartSession(
        self, request: pb2.StartSessionRequest, context: Context
    ) -> pb2.StartSessionResponse:
        """Starts or resumes a session."""
        started = await self._use.start_session(
            current_call(),
            product=request.product,
            mode=request.mode,
            content=request.content,
            planned_seconds=_optional_seconds(request, "planned_duration"),
            on_conflict=_ON_CONFLICT[request.on_conflict],
            selection=Selection(
                request.selection.difficulty or DEFAULT_DIFFICULTY, request.selection.count or DEFAULT_COUNT
            ),
            settings=convert.settings_from_proto(request.settings),
        )
        response = pb2.StartSessionResponse(
            session=convert.session_to_proto(started.session, self._clock()), resumed=started.resumed
        )
        if started.first_item is not None:
            response.first_item.CopyFrom(convert.item_to_proto(started.first_item))
        return response

    async def GetSession(
        self, request: pb2.GetSessionRequest, context: Context
    ) -> session_pb2.PracticeSession:
        """Returns a session."""
        session = await self._use.get_session(current_call(), convert.ref_from_name(request.name))
        return convert.session_to_proto(session, self._clock())

    async def GetActiveSession(
        self, request: pb2.GetActiveSessionRequest, context: Context
    ) -> pb2.GetActiveSessionResponse:
        """Returns the open session, if there is one."""
        session = await self._use.get_active_session(current_call(), request.product, request.content)
        if session is None:
            return pb2.GetActiveSessionResponse()
        return pb2.GetActiveSessionResponse(session=convert.session_to_proto(session, self._clock()))

    async def ListSessions(
        self, request: pb2.ListSessionsRequest, context: Context
    ) -> pb2.ListSessionsResponse:
        """Returns a page of sessions."""
        call = current_call()
        started_from = _optional_instant(request, "start_time_min")
        started_before = _optional_instant(request, "start_time_max")
        states = sorted(request.states)
        chosen = (call.user_id, request.product, request.content, states, started_from, started_before)
        wanted = PageRequest("ListSessions", request.page_size, request.page_token, chosen)
        found = await self._use.list_sessions(
            SessionSelection(
                user_id=call.user_id,
                product=request.product,
                content=request.content,
                states=frozenset(convert.DOMAIN_STATES[number] for number in request.states),
                started_from=started_from,
                started_before=started_before,
                before_id=wanted.number(),
                limit=wanted.limit,
            )
        )
        page, now = wanted.page(found, lambda session: session.id), self._clock()
        return pb2.ListSessionsResponse(
            sessions=[convert.session_to_proto(session, now) for session in page.items],
            next_page_token=page.next_page_token,
        )

    async def SubmitAnswers(
        self, request: pb2.SubmitAnswersRequest, context: Context
    ) -> pb2.SubmitAnswersResponse:
        """Records answers."""
        answered = await self._use.submit_answers(
            current_call(), convert.ref_from_name(request.name), convert.answers_from_proto(request.answers)
        )
        return self._answered_to_proto(answered)

    async def RecordStandaloneAnswer(
        self, request: pb2.RecordStandaloneAnswerRequest, context: Context
    ) -> pb2.SubmitAnswersResponse:
        """Records one answer as a session of its own."""
        (answer,) = convert.answers_from_proto([request.answer])
        answered = await self._use.record_standalone_answer(current_call(), request.product, answer)
        return self._answered_to_proto(answered)

    def _answered_to_proto(self, answered: Answered) -> pb2.SubmitAnswersResponse:
        response = pb2.SubmitAnswersResponse(
            results=[convert.result_to_proto(result) for result in answered.results],
            session=convert.session_to_proto(
                answered.session, self._clock(), statistics_pending=answered.statistics_pending
            ),
        )
        if answered.next_item is not None:
            response.next_item.CopyFrom(convert.item_to_proto(answered.next_item))
        return response

    async def ListSessionItems(
        self, request: pb2.ListSessionItemsRequest, context: Context
    ) -> pb2.ListSessionItemsResponse:
        """Returns the items picked for a session."""
        items = await self._use.list_session_items(current_call(), convert.ref_from_name(request.name))
        return pb2.ListSessionItemsResponse(items=[convert.item_to_proto(item) for item in items])

    async def GetSessionReport(
        self, request: pb2.GetSessionReportRequest, context: Context
    ) -> pb2.SessionReport:
        """Tells how a session went."""
        session, report = await self._use.get_session_report(
            current_call(), convert.ref_from_name(request.name)
        )
        message = pb2.SessionReport(
            session=convert.session_to_proto(session, self._clock()),
            answered_items=[convert.item_to_proto(item) for item in report.items],
            mastered_item_count=sum(item.mastered for item in report.items),
        )
        if report.average_time_taken is not None:
            message.average_time_taken.FromNanoseconds(round(report.average_time_taken * 1e9))
        return message

    async def SetNote(self, request: pb2.SetNoteRequest, context: Context) -> session_pb2.PracticeSession:
        """Writes a session's note."""
        session = await self._use.set_note(current_call(), convert.ref_from_name(request.name), request.note)
        return convert.session_to_proto(session, self._clock())

    async def SaveDraft(self, request: pb2.SaveDraftRequest, context: Context) -> session_pb2.PracticeSession:
        """Saves the session's draft."""
        session = await self._use.save_draft(
            current_call(),
            convert.ref_from_name(request.name),
            request.content,
            reported=_optional_seconds(request, "elapsed"),
            base_hash=request.base_hash,
        )
        return convert.session_to_proto(session, self._clock())

    async def GetDraft(self, request: pb2.GetDraftRequest, context: Context) -> session_pb2.Draft:
        """Returns the session's draft."""
        draft = await self._use.get_draft(current_call(), convert.ref_from_name(request.name))
        return session_pb2.Draft(content=draft.content, content_hash=draft.content_hash)

    async def AddMessage(self, request: pb2.AddMessageRequest, context: Context) -> session_pb2.Message:
        """Adds a line to the conversation."""
        said = await self._use.add_message(
            current_call(), convert.ref_from_name(request.name), role=request.role, content=request.content
        )
        return convert.message_to_proto(said.message)

    async def ListMessages(
        self, request: pb2.ListMessagesRequest, context: Context
    ) -> pb2.ListMessagesResponse:
        """Returns a page of the conversation."""
        wanted = PageRequest(
            "ListMessages", request.page_size, request.page_token, (request.name,), _DEFAULT_MESSAGES
        )
        ref, after = convert.ref_from_name(request.name), wanted.number() or 0
        page = await wanted.fill(
            lambda limit: self._use.list_messages(current_call(), ref, after=after, limit=limit),
            lambda message: message.position,
        )
        return pb2.ListMessagesResponse(
            messages=map(convert.message_to_proto, page.items), next_page_token=page.next_page_token
        )

    async def PauseSession(
        self, request: pb2.PauseSessionRequest, context: Context
    ) -> session_pb2.PracticeSession:
        """Pauses a session."""
        session = await self._use.pause_session(
            current_call(),
            convert.ref_from_name(request.name),
            reported=_optional_seconds(request, "elapsed"),
            etag=request.etag,
        )
        return convert.session_to_proto(session, self._clock())

    async def ResumeSession(
        self, request: pb2.ResumeSessionRequest, context: Context
    ) -> session_pb2.PracticeSession:
        """Resumes a session."""
        session = await self._use.resume_session(
            current_call(), convert.ref_from_name(request.name), etag=request.etag
        )
        return convert.session_to_proto(session, self._clock())

    async def CompleteSession(
        self, request: pb2.CompleteSessionRequest, context: Context
    ) -> session_pb2.PracticeSession:
        """Ends a session as completed or partial."""
        ended = await self._use.complete_session(
            current_call(),
            convert.ref_from_name(request.name),
            outcome=_OUTCOMES[request.outcome],
            reported=_optional_seconds(request, "elapsed"),
            etag=request.etag,
        )
        return convert.session_to_proto(
            ended.session, self._clock(), statistics_pending=ended.statistics_pending
        )

    async def AbandonSession(
        self, request: pb2.AbandonSessionRequest, context: Context
    ) -> session_pb2.PracticeSession:
        """Ends a session as abandoned."""
        session = await self._use.abandon_session(
            current_call(),
            convert.ref_from_name(request.name),
            reported=_optional_seconds(request, "elapsed"),
            etag=request.etag,
        )
        return convert.session_to_proto(session, self._clock())

    async def WatchSession(
        self, request: pb2.WatchSessionRequest, context: Context
    ) -> AsyncIterator[session_pb2.SessionChange]:
        """Streams what happens to a session."""
        ref = convert.ref_from_name(request.name)
        changes = await self._use.watch_session(current_call(), ref, request.cursor)
        # Nothing may happen for long, and a watcher wants to know that it watches.
        await context.send_initial_metadata(())
        async for happened in changes:
            yield convert.change_to_proto(happened)

    async def WatchSessionAsEvents(
        self, request: pb2.WatchSessionRequest, context: Context
    ) -> AsyncIterator[HttpBody]:
        """Streams the same as server-sent events."""
        seen = last_event_id(dict(context.invocation_metadata() or ()))
        cursor = request.cursor if seen is None else seen
        changes = await self._use.watch_session(current_call(), convert.ref_from_name(request.name), cursor)
        yield events_began()
        async for happened in changes:
            change = convert.change_to_proto(happened)
            yield to_event(convert.kind_of(change), change.cursor, change)
        yield events_ended("SESSION_ENDED", "The session is over")


@dataclass(frozen=True, slots=True)
class ExportUseCases:
    """What the stats service asks when it starts anew."""

    export_completions: ExportCompletions
    export_calendar_changes: ExportCalendarChanges


class SessionExportServicer(SessionExportServiceServicer):
    """Serves all events to the stats service."""

    def __init__(self, use_cases: ExportUseCases) -> None:
        self._use = use_cases

    async def ExportCompletions(
        self, request: pb2.ExportCompletionsRequest, context: Context
    ) -> AsyncIterator[session_ended_pb2.SessionEnded]:
        """Streams the events of ended sessions."""
        events = self._use.export_completions(
            user_id=request.user_id, after_session_id=request.after_session_id
        )
        async for event in events:
            yield ended_to_proto(event)

    async def ExportCalendarChanges(
        self, request: pb2.ExportCalendarChangesRequest, context: Context
    ) -> AsyncIterator[calendar_changed_pb2.CalendarChanged]:
        """Streams the events of changes of calendar."""
        async for event in self._use.export_calendar_changes(user_id=request.user_id):
            yield calendar_changed_to_proto(event)


def _optional_seconds(request: Any, field: str) -> int | None:
    return convert.seconds_from_proto(getattr(request, field)) if request.HasField(field) else None


def _optional_instant(request: Any, field: str) -> Any:
    return convert.instant_from_proto(getattr(request, field)) if request.HasField(field) else None
