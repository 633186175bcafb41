"""All use cases of the core at hand, as no servicer has them."""

from __future__ import annotations

from session_service.application.calendars import GetCalendar, UpdateCalendar
from session_service.application.complete_session import (
    CompleteSession,
    CompleteWithResults,
    CompleteWithSummary,
)
from session_service.application.exports import ExportCalendarChanges, ExportCompletions
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
from session_service.wiring import Ports, wire_remember_calendar, wire_start_session


class UseCases:
    """The use cases on some ports."""

    def __init__(self, p: Ports) -> None:
        self.abandon_session = AbandonSession(p.changes)
        self.add_message = AddMessage(p.unit_of_work, p.clock, p.limits)
        self.add_submission_message = AddSubmissionMessage(p.unit_of_work, p.clock)
        self.complete_session = CompleteSession(p.changes, p.statistics, p.limits)
        self.complete_with_results = CompleteWithResults(
            p.changes, p.unit_of_work, p.readers, p.catalog, p.statistics, limits=p.limits
        )
        self.complete_with_summary = CompleteWithSummary(p.changes, p.statistics)
        self.create_submission = CreateSubmission(p.unit_of_work, p.catalog, p.clock, p.run_in_thread)
        self.delete_submission = DeleteSubmission(p.unit_of_work)
        self.export_calendar_changes = ExportCalendarChanges(p.calendars)
        self.export_completions = ExportCompletions(p.readers)
        self.get_active_session = GetActiveSession(p.readers, p.products)
        self.get_calendar = GetCalendar(p.calendars)
        self.get_draft = GetDraft(p.readers)
        self.get_month = GetMonth(p.readers, p.statistics, p.clock)
        self.get_session = GetSession(p.readers)
        self.get_session_report = GetSessionReport(p.readers)
        self.get_streak = GetStreak(p.readers, p.statistics)
        self.get_submission = GetSubmission(p.submissions)
        self.get_summary = GetSummary(p.readers)
        self.list_history = ListHistory(p.readers)
        self.list_messages = ListMessages(p.readers)
        self.list_session_items = ListSessionItems(p.readers)
        self.list_sessions = ListSessions(p.readers, p.products)
        self.list_submissions = ListSubmissions(p.submissions)
        self.pause_session = PauseSession(p.changes)
        self.record_standalone_answer = RecordStandaloneAnswer(
            p.unit_of_work, p.products, p.catalog, p.statistics, p.clock, limits=p.limits
        )
        self.remember_calendar = wire_remember_calendar(p)
        self.resume_session = ResumeSession(p.changes)
        self.save_draft = SaveDraft(p.unit_of_work, p.drafts, p.clock, p.run_in_thread)
        self.set_note = SetNote(p.unit_of_work, p.clock)
        self.start_session = wire_start_session(p)
        self.submit_answers = SubmitAnswers(p.combined_answers, p.unit_of_work, p.catalog, p.clock, p.limits)
        self.submit_session = SubmitSession(p.unit_of_work, p.statistics, p.clock)
        self.update_calendar = UpdateCalendar(p.unit_of_work, p.clock)
        self.update_submission = UpdateSubmission(p.unit_of_work, p.clock, p.run_in_thread)
        self.view_workspaces = ViewWorkspaces(p.workspaces)
        self.watch_session = WatchSession(p.readers, p.signals, p.clock)
