"""Every use case, made once and handed to whoever serves it."""

from __future__ import annotations

from dataclasses import dataclass

from service_kit.heavy import Aside
from service_kit.zone_handover import ToldCalendars
from session_service.application.account_limits import AccountLimits
from session_service.application.calendars import GetCalendar, RememberCalendar, UpdateCalendar
from session_service.application.complete_session import (
    CompleteSession,
    CompleteWithResults,
    CompleteWithSummary,
)
from session_service.application.exports import ExportCalendarChanges, ExportCompletions
from session_service.application.ports.catalog import Catalog
from session_service.application.ports.clock import Clock
from session_service.application.ports.learners import CalendarReaders
from session_service.application.ports.readers import Readers
from session_service.application.ports.signals import JournalSignals
from session_service.application.ports.statistics import Statistics
from session_service.application.ports.submissions import SubmissionReaders
from session_service.application.ports.unit_of_work import UnitOfWorkFactory
from session_service.application.ports.workspaces import WorkspaceReaders
from session_service.application.progress import GetMonth, GetStreak, GetSummary
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
    ListHistory,
    ListMessages,
    ListSessionItems,
    ListSessions,
    ViewWorkspaces,
)
from session_service.application.start_session import StartSession
from session_service.application.submissions import (
    AddSubmissionMessage,
    CreateSubmission,
    DeleteSubmission,
    GetSubmission,
    ListSubmissions,
    SubmitSession,
    UpdateSubmission,
)
from session_service.application.submit_answers import RecordStandaloneAnswer, SubmitAnswers
from session_service.application.watch_session import WatchSession


@dataclass(frozen=True, slots=True)
class UseCases:
    """What the service can do."""

    start_session: StartSession
    get_session: GetSession
    get_active_session: GetActiveSession
    list_sessions: ListSessions
    list_history: ListHistory
    list_session_items: ListSessionItems
    get_session_report: GetSessionReport
    get_summary: GetSummary
    get_streak: GetStreak
    get_month: GetMonth
    set_note: SetNote
    submit_answers: SubmitAnswers
    record_standalone_answer: RecordStandaloneAnswer
    save_draft: SaveDraft
    get_draft: GetDraft
    add_message: AddMessage
    list_messages: ListMessages
    pause_session: PauseSession
    resume_session: ResumeSession
    complete_session: CompleteSession
    complete_with_results: CompleteWithResults
    complete_with_summary: CompleteWithSummary
    abandon_session: AbandonSession
    view_workspaces: ViewWorkspaces
    create_submission: CreateSubmission
    submit_session: SubmitSession
    get_submission: GetSubmission
    list_submissions: ListSubmissions
    update_submission: UpdateSubmission
    add_submission_message: AddSubmissionMessage
    delete_submission: DeleteSubmission
    watch_session: WatchSession
    export_completions: ExportCompletions
    export_calendar_changes: ExportCalendarChanges
    get_calendar: GetCalendar
    update_calendar: UpdateCalendar
    remember_calendar: RememberCalendar

    @classmethod
    def wire(
        cls,
        *,
        unit_of_work: UnitOfWorkFactory,
        readers: Readers,
        submissions: SubmissionReaders,
        workspaces: WorkspaceReaders,
        calendars: CalendarReaders,
        catalog: Catalog,
        statistics: Statistics,
        signals: JournalSignals,
        clock: Clock,
        aside: Aside,
        limits: AccountLimits,
    ) -> UseCases:
        """Returns the use cases on these ports."""
        stored_calendars = ToldCalendars()
        return cls(
            start_session=StartSession(unit_of_work, catalog, clock, limits),
            get_session=GetSession(readers),
            get_active_session=GetActiveSession(readers),
            list_sessions=ListSessions(readers),
            list_history=ListHistory(readers),
            list_session_items=ListSessionItems(readers),
            get_session_report=GetSessionReport(readers),
            get_summary=GetSummary(readers),
            get_streak=GetStreak(readers, statistics),
            get_month=GetMonth(readers, statistics, clock),
            set_note=SetNote(unit_of_work, clock),
            submit_answers=SubmitAnswers(unit_of_work, catalog, clock, limits),
            record_standalone_answer=RecordStandaloneAnswer(unit_of_work, catalog, statistics, clock, limits),
            save_draft=SaveDraft(unit_of_work, clock, aside),
            get_draft=GetDraft(readers),
            add_message=AddMessage(unit_of_work, clock, limits),
            list_messages=ListMessages(readers),
            pause_session=PauseSession(unit_of_work, clock),
            resume_session=ResumeSession(unit_of_work, clock),
            complete_session=CompleteSession(unit_of_work, statistics, clock, limits),
            complete_with_results=CompleteWithResults(
                unit_of_work, readers, catalog, statistics, clock, limits=limits
            ),
            complete_with_summary=CompleteWithSummary(unit_of_work, statistics, clock),
            abandon_session=AbandonSession(unit_of_work, clock),
            view_workspaces=ViewWorkspaces(workspaces),
            create_submission=CreateSubmission(unit_of_work, catalog, clock, aside),
            submit_session=SubmitSession(unit_of_work, statistics, clock),
            get_submission=GetSubmission(submissions),
            list_submissions=ListSubmissions(submissions),
            update_submission=UpdateSubmission(unit_of_work, clock, aside),
            add_submission_message=AddSubmissionMessage(unit_of_work, clock),
            delete_submission=DeleteSubmission(unit_of_work),
            watch_session=WatchSession(readers, signals, clock),
            export_completions=ExportCompletions(readers),
            export_calendar_changes=ExportCalendarChanges(calendars),
            get_calendar=GetCalendar(calendars),
            update_calendar=UpdateCalendar(unit_of_work, clock, stored_calendars),
            remember_calendar=RememberCalendar(unit_of_work, clock, stored_calendars),
        )
