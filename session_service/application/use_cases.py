"""Every use case, made once and handed to whoever serves it."""

from __future__ import annotations

from dataclasses import dataclass

from service_kit.heavy import Aside
from service_kit.zone_handover import ToldCalendars
from session_service.application.abandon_session import AbandonSession
from session_service.application.add_message import AddMessage
from session_service.application.add_submission_message import AddSubmissionMessage
from session_service.application.allowances import Allowances
from session_service.application.complete_session import CompleteSession
from session_service.application.complete_with_results import CompleteWithResults
from session_service.application.complete_with_summary import CompleteWithSummary
from session_service.application.create_submission import CreateSubmission
from session_service.application.delete_submission import DeleteSubmission
from session_service.application.export_calendar_changes import ExportCalendarChanges
from session_service.application.export_completions import ExportCompletions
from session_service.application.get_active_session import GetActiveSession
from session_service.application.get_calendar import GetCalendar
from session_service.application.get_draft import GetDraft
from session_service.application.get_month import GetMonth
from session_service.application.get_session import GetSession
from session_service.application.get_session_report import GetSessionReport
from session_service.application.get_streak import GetStreak
from session_service.application.get_submission import GetSubmission
from session_service.application.get_summary import GetSummary
from session_service.application.list_history import ListHistory
from session_service.application.list_messages import ListMessages
from session_service.application.list_session_items import ListSessionItems
from session_service.application.list_sessions import ListSessions
from session_service.application.list_submissions import ListSubmissions
from session_service.application.pause_session import PauseSession
from session_service.application.ports.catalog import Catalog
from session_service.application.ports.learners import CalendarReaders
from session_service.application.ports.reading import Readers
from session_service.application.ports.statistics import Statistics
from session_service.application.ports.submissions import SubmissionReaders
from session_service.application.ports.surroundings import Clock, JournalSignals
from session_service.application.ports.unit_of_work import UnitOfWorkFactory
from session_service.application.ports.workspaces import WorkspaceReaders
from session_service.application.record_standalone_answer import RecordStandaloneAnswer
from session_service.application.remember_calendar import RememberCalendar
from session_service.application.resume_session import ResumeSession
from session_service.application.save_draft import SaveDraft
from session_service.application.set_note import SetNote
from session_service.application.start_session import StartSession
from session_service.application.submit_answers import SubmitAnswers
from session_service.application.submit_session import SubmitSession
from session_service.application.update_calendar import UpdateCalendar
from session_service.application.update_submission import UpdateSubmission
from session_service.application.view_workspaces import ViewWorkspaces
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
        allowances: Allowances,
    ) -> UseCases:
        """Returns the use cases on these ports."""
        stored_calendars = ToldCalendars()
        return cls(
            start_session=StartSession(unit_of_work, catalog, clock, allowances),
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
            submit_answers=SubmitAnswers(unit_of_work, catalog, clock, allowances),
            record_standalone_answer=RecordStandaloneAnswer(
                unit_of_work, catalog, statistics, clock, allowances
            ),
            save_draft=SaveDraft(unit_of_work, clock, aside),
            get_draft=GetDraft(readers),
            add_message=AddMessage(unit_of_work, clock, allowances),
            list_messages=ListMessages(readers),
            pause_session=PauseSession(unit_of_work, clock),
            resume_session=ResumeSession(unit_of_work, clock),
            complete_session=CompleteSession(unit_of_work, statistics, clock, allowances),
            complete_with_results=CompleteWithResults(
                unit_of_work, readers, catalog, statistics, clock, allowances=allowances
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
