"""What each servicer can do, and on what: the use cases of the service are made here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

from service_kit.once import SavedResponses
from service_kit.worker_threads import RunInThread
from service_kit.zone_handover import KnownSignUps
from session_service.adapters.grpc import calendar_servicer, session_servicer, submission_servicer
from session_service.adapters.grpc.products.design import servicer as design
from session_service.adapters.grpc.products.exercises import servicer as exercises
from session_service.adapters.grpc.products.focus import servicer as focus
from session_service.adapters.grpc.products.portal import live_servicer as portal_live
from session_service.adapters.grpc.products.portal import servicer as portal
from session_service.adapters.grpc.products.yoga import servicer as yoga
from session_service.application.account_limits import AccountLimits
from session_service.application.calendars import GetCalendar, RememberCalendar, UpdateCalendar
from session_service.application.complete_session import (
    CompleteSession,
    CompleteWithResults,
    CompleteWithSummary,
)
from session_service.application.exports import ExportCalendarChanges, ExportCompletions
from session_service.application.ports.cache import Cache
from session_service.application.ports.catalog import Catalog
from session_service.application.ports.clock import Clock
from session_service.application.ports.drafts import DraftStore
from session_service.application.ports.learners import CalendarReaders
from session_service.application.ports.products import Products
from session_service.application.ports.readers import Readers
from session_service.application.ports.signals import JournalSignals
from session_service.application.ports.statistics import Statistics
from session_service.application.ports.submissions import SubmissionReaders
from session_service.application.ports.unit_of_work import UnitOfWorkFactory
from session_service.application.ports.workspaces import WorkspaceReaders
from session_service.application.progress import GetMonth, GetStreak, GetSummary
from session_service.application.session_changes import SessionChanges
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
from session_service.application.start_session import CombinedStarts, StartSession
from session_service.application.submissions import (
    AddSubmissionMessage,
    CreateSubmission,
    DeleteSubmission,
    GetSubmission,
    ListSubmissions,
    SubmitSession,
    UpdateSubmission,
)
from session_service.application.submit_answers import CombinedAnswers, RecordStandaloneAnswer, SubmitAnswers
from session_service.application.watch_session import WatchSession
from session_service.domain.events import Event
from session_service.offline import grpc as offline_servicer
from session_service.offline.ports import OfflineUnitOfWorkFactory
from session_service.offline.use_cases import SyncSessions
from session_service.outbox import grpc as outbox_servicers
from session_service.outbox.ports import EventRecord, OutboxAdmin
from session_service.outbox.use_cases import (
    GetOutbox,
    GetUserEvents,
    ListDeadLetters,
    ListEventDigests,
    ListUserEvents,
    RepublishEvents,
    RequeueDeadLetters,
)
from session_service.publication import grpc as publication_servicer
from session_service.publication.ports import OpenPublication, PublishedProducts
from session_service.publication.use_cases import (
    GetProduct,
    ListProducts,
    LoadProducts,
    RestoreProduct,
    RetireProduct,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """What the use cases stand on."""

    unit_of_work: UnitOfWorkFactory
    # One each for all that start, answer or change: what comes at the same time is written together.
    combined_starts: CombinedStarts
    combined_answers: CombinedAnswers
    changes: SessionChanges
    readers: Readers
    drafts: DraftStore
    submissions: SubmissionReaders
    workspaces: WorkspaceReaders
    calendars: CalendarReaders
    products: Products
    catalog: Catalog
    statistics: Statistics
    signals: JournalSignals
    clock: Clock
    run_in_thread: RunInThread
    limits: AccountLimits
    # Whose sign-up this process has stored, so that most calls need not say it again.
    known_sign_ups: KnownSignUps = field(default_factory=KnownSignUps)


def wire_start_session(p: Ports) -> StartSession:
    """Wires what every product begins with."""
    return StartSession(
        p.combined_starts,
        p.unit_of_work,
        p.products,
        p.catalog,
        p.clock,
        limits=p.limits,
        remember_calendar=wire_remember_calendar(p),
    )


def wire_remember_calendar(p: Ports) -> RememberCalendar:
    """Wires what takes down what calls say of their users."""
    return RememberCalendar(p.unit_of_work, p.clock, p.readers, p.known_sign_ups)


def wire_sessions(p: Ports) -> session_servicer.SessionServicer:
    """Wires the canonical API of sessions."""
    use_cases = session_servicer.UseCases(
        start_session=wire_start_session(p),
        get_session=GetSession(p.readers),
        get_active_session=GetActiveSession(p.readers, p.products),
        list_sessions=ListSessions(p.readers, p.products),
        list_session_items=ListSessionItems(p.readers),
        get_session_report=GetSessionReport(p.readers),
        watch_session=WatchSession(p.readers, p.signals, p.clock),
        submit_answers=SubmitAnswers(p.combined_answers, p.unit_of_work, p.catalog, p.clock, p.limits),
        record_standalone_answer=RecordStandaloneAnswer(
            p.unit_of_work, p.products, p.catalog, p.statistics, p.clock, limits=p.limits
        ),
        set_note=SetNote(p.unit_of_work, p.clock),
        save_draft=SaveDraft(p.unit_of_work, p.drafts, p.clock, p.run_in_thread),
        get_draft=GetDraft(p.readers),
        add_message=AddMessage(p.unit_of_work, p.clock, p.limits),
        list_messages=ListMessages(p.readers),
        pause_session=PauseSession(p.changes),
        resume_session=ResumeSession(p.changes),
        complete_session=CompleteSession(p.changes, p.statistics, p.limits),
        abandon_session=AbandonSession(p.changes),
    )
    return session_servicer.SessionServicer(use_cases, p.clock)


def wire_exports(p: Ports) -> session_servicer.SessionExportServicer:
    """Wires the events, for the stats service."""
    use_cases = session_servicer.ExportUseCases(
        export_completions=ExportCompletions(p.readers),
        export_calendar_changes=ExportCalendarChanges(p.calendars),
    )
    return session_servicer.SessionExportServicer(use_cases)


def wire_submissions(p: Ports) -> submission_servicer.SubmissionServicer:
    """Wires the canonical API of submissions."""
    use_cases = submission_servicer.UseCases(
        create_submission=CreateSubmission(p.unit_of_work, p.catalog, p.clock, p.run_in_thread),
        submit_session=SubmitSession(p.unit_of_work, p.statistics, p.clock),
        get_submission=GetSubmission(p.submissions),
        list_submissions=ListSubmissions(p.submissions),
        update_submission=UpdateSubmission(p.unit_of_work, p.clock, p.run_in_thread),
        add_submission_message=AddSubmissionMessage(p.unit_of_work, p.clock),
        delete_submission=DeleteSubmission(p.unit_of_work),
    )
    return submission_servicer.SubmissionServicer(use_cases)


def wire_calendars(p: Ports) -> calendar_servicer.CalendarServicer:
    """Wires the calendars of users."""
    use_cases = calendar_servicer.UseCases(
        get_calendar=GetCalendar(p.calendars),
        update_calendar=UpdateCalendar(p.unit_of_work, p.clock),
    )
    return calendar_servicer.CalendarServicer(use_cases)


def wire_design(p: Ports) -> design.DesignSessionsServicer:
    """Wires the design product."""
    use_cases = design.UseCases(
        start_session=wire_start_session(p),
        view_workspaces=ViewWorkspaces(p.workspaces),
        get_active_session=GetActiveSession(p.readers, p.products),
        save_draft=SaveDraft(p.unit_of_work, p.drafts, p.clock, p.run_in_thread),
        pause_session=PauseSession(p.changes),
        resume_session=ResumeSession(p.changes),
        add_message=AddMessage(p.unit_of_work, p.clock, p.limits),
        abandon_session=AbandonSession(p.changes),
        create_submission=CreateSubmission(p.unit_of_work, p.catalog, p.clock, p.run_in_thread),
        submit_session=SubmitSession(p.unit_of_work, p.statistics, p.clock),
        list_submissions=ListSubmissions(p.submissions),
        get_submission=GetSubmission(p.submissions),
        update_submission=UpdateSubmission(p.unit_of_work, p.clock, p.run_in_thread),
        add_submission_message=AddSubmissionMessage(p.unit_of_work, p.clock),
        delete_submission=DeleteSubmission(p.unit_of_work),
    )
    return design.DesignSessionsServicer(use_cases, p.run_in_thread)


def wire_exercises(p: Ports) -> exercises.ExercisesServicer:
    """Wires the exercises product."""
    use_cases = exercises.UseCases(
        start_session=wire_start_session(p),
        submit_answers=SubmitAnswers(p.combined_answers, p.unit_of_work, p.catalog, p.clock, p.limits),
        record_standalone_answer=RecordStandaloneAnswer(
            p.unit_of_work, p.products, p.catalog, p.statistics, p.clock, limits=p.limits
        ),
        complete_session=CompleteSession(p.changes, p.statistics, p.limits),
    )
    return exercises.ExercisesServicer(use_cases)


def wire_focus(p: Ports) -> focus.FocusServicer:
    """Wires the focus product."""
    use_cases = focus.UseCases(
        start_session=wire_start_session(p),
        get_active_session=GetActiveSession(p.readers, p.products),
        pause_session=PauseSession(p.changes),
        resume_session=ResumeSession(p.changes),
        complete_session=CompleteSession(p.changes, p.statistics, p.limits),
        list_sessions=ListSessions(p.readers, p.products),
    )
    return focus.FocusServicer(use_cases)


def wire_portal(p: Ports, cache: Cache, lifetimes: portal.Lifetimes) -> portal.PortalServicer:
    """Wires the portal product."""
    use_cases = portal.UseCases(
        start_session=wire_start_session(p),
        submit_answers=SubmitAnswers(p.combined_answers, p.unit_of_work, p.catalog, p.clock, p.limits),
        complete_with_results=CompleteWithResults(
            p.changes, p.unit_of_work, p.readers, p.catalog, p.statistics, limits=p.limits
        ),
        abandon_session=AbandonSession(p.changes),
        list_history=ListHistory(p.readers),
        get_session=GetSession(p.readers),
        get_session_report=GetSessionReport(p.readers),
    )
    return portal.PortalServicer(use_cases, cache=cache, lifetimes=lifetimes, clock=p.clock)


def wire_portal_live(p: Ports, serve_shared: portal_live.ServeShared) -> portal_live.PortalLiveServicer:
    """Wires the portal product's live updates."""
    use_cases = portal_live.UseCases(
        get_session=GetSession(p.readers),
        watch_session=WatchSession(p.readers, p.signals, p.clock),
    )
    return portal_live.PortalLiveServicer(use_cases, p.clock, serve_shared)


def wire_yoga(p: Ports) -> yoga.YogaServicer:
    """Wires the yoga product."""
    use_cases = yoga.UseCases(
        start_session=wire_start_session(p),
        complete_with_summary=CompleteWithSummary(p.changes, p.statistics),
        pause_session=PauseSession(p.changes),
        resume_session=ResumeSession(p.changes),
        set_note=SetNote(p.unit_of_work, p.clock),
        get_active_session=GetActiveSession(p.readers, p.products),
        list_sessions=ListSessions(p.readers, p.products),
        get_streak=GetStreak(p.readers, p.statistics),
        get_summary=GetSummary(p.readers),
        get_month=GetMonth(p.readers, p.statistics, p.clock),
    )
    return yoga.YogaServicer(use_cases)


def wire_sync(
    p: Ports, unit_of_work: OfflineUnitOfWorkFactory, max_age: timedelta, responses: SavedResponses
) -> offline_servicer.SyncServicer:
    """Wires what devices hand in that were offline."""
    sync_sessions = SyncSessions(
        unit_of_work, p.products, p.catalog, p.statistics, p.clock, max_age=max_age, limits=p.limits
    )
    return offline_servicer.SyncServicer(sync_sessions, responses)


def wire_outbox(outbox: OutboxAdmin) -> outbox_servicers.OutboxAdminServicer:
    """Wires the outbox for operators."""
    use_cases = outbox_servicers.OutboxUseCases(
        get_outbox=GetOutbox(outbox),
        list_dead_letters=ListDeadLetters(outbox),
        requeue_dead_letters=RequeueDeadLetters(outbox),
    )
    return outbox_servicers.OutboxAdminServicer(use_cases)


def wire_reconciliation(
    record: EventRecord, encode: Callable[[Event], bytes]
) -> outbox_servicers.ReconciliationServicer:
    """Wires the record of events for those who compare it with their own."""
    use_cases = outbox_servicers.EventUseCases(
        list_event_digests=ListEventDigests(record),
        list_user_events=ListUserEvents(record),
        get_user_events=GetUserEvents(record),
        republish_events=RepublishEvents(record),
    )
    return outbox_servicers.ReconciliationServicer(use_cases, encode)


def wire_publication(
    p: Ports, open_publication: OpenPublication, published: PublishedProducts
) -> publication_servicer.ProductAdminServicer:
    """Wires products for operators."""
    use_cases = publication_servicer.ProductUseCases(
        list_products=ListProducts(published),
        get_product=GetProduct(published),
        load_products=LoadProducts(open_publication, p.clock),
        retire_product=RetireProduct(open_publication, p.clock),
        restore_product=RestoreProduct(open_publication, p.clock),
    )
    return publication_servicer.ProductAdminServicer(use_cases)
