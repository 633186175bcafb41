"""The sessions and submissions of the design product on the wire."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import grpc
from google.api.httpbody_pb2 import HttpBody
from google.protobuf.empty_pb2 import Empty
from practice.products.design.v1 import design_sessions_service_pb2 as pb2
from practice.products.design.v1.design_sessions_service_pb2_grpc import DesignSessionsServiceServicer

from service_kit import object_ids
from service_kit.call import Call, current_call
from service_kit.errors import NotFoundError
from service_kit.grpc.presentation import STATUS_KEY, answer_with_status
from service_kit.worker_threads import RunInThread
from session_service.adapters.grpc.products.design import bodies, requests, responses
from session_service.application.ports.drafts import FoundDraft
from session_service.application.ports.readers import SessionSelection
from session_service.application.ports.submissions import SubmissionSelection
from session_service.application.ports.workspaces import Workspace
from session_service.application.session_commands import (
    AbandonSession,
    AddMessage,
    PauseSession,
    ResumeSession,
    SaveDraft,
)
from session_service.application.session_queries import GetActiveSession, ViewWorkspaces
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
from session_service.domain.errors import (
    SessionNotFoundError,
    SubmissionNotFoundError,
)
from session_service.domain.practice_session import PracticeSession

SERVICE = "practice.products.design.v1.DesignSessionsService"
T = TypeVar("T")
# What takes a few milliseconds to read, where it is spelled as browsers spell: less than a thread is worth.
_SHORT_BYTES = 256 * 1024
Context = grpc.aio.ServicerContext[Any, Any]


@dataclass(frozen=True, slots=True)
class UseCases:
    """What this product's clients do."""

    start_session: StartSession
    view_workspaces: ViewWorkspaces
    get_active_session: GetActiveSession
    save_draft: SaveDraft
    pause_session: PauseSession
    resume_session: ResumeSession
    add_message: AddMessage
    abandon_session: AbandonSession
    create_submission: CreateSubmission
    submit_session: SubmitSession
    list_submissions: ListSubmissions
    get_submission: GetSubmission
    update_submission: UpdateSubmission
    add_submission_message: AddSubmissionMessage
    delete_submission: DeleteSubmission


class DesignSessionsServicer(DesignSessionsServiceServicer):
    """Serves the design product's sessions and submissions."""

    def __init__(self, use_cases: UseCases, run_in_thread: RunInThread) -> None:
        self._use = use_cases
        self._run_in_thread = run_in_thread

    async def OpenSession(self, request: pb2.OpenSessionRequest, context: Context) -> HttpBody:
        """Opens a session or resumes the open one; the gateway answers 201 or 200."""
        call, problem = current_call(), requests.problem(request.problem_id)
        started = await self._use.start_session(
            call, product=requests.PRODUCT, content=requests.content(problem), content_second=problem.second
        )
        return await self._show(context, call, started.session, 200 if started.resumed else 201)

    async def ListMySessions(
        self, request: pb2.ListMySessionsRequest, context: Context
    ) -> AsyncIterator[HttpBody]:
        """Streams the caller's sessions, newest first, as one JSON array, a session a piece."""
        call = current_call()
        selection = SessionSelection(
            user_id=call.user_id, product=requests.PRODUCT, offset=request.skip, limit=requests.limit(request)
        )
        before = "["
        async for workspace in self._use.view_workspaces.each(selection):
            for piece in responses.pieces(before + responses.text(workspace, call.email)):
                yield piece
            before = ","
        for piece in responses.pieces("[]" if before == "[" else "]"):
            yield piece

    async def GetActiveSession(self, request: pb2.GetActiveSessionRequest, context: Context) -> HttpBody:
        """Returns the problem's open session, or null."""
        call, problem = current_call(), object_ids.decode(request.problem_id)
        if problem is None:
            return responses.nothing()
        session = await self._use.get_active_session(call, requests.PRODUCT, requests.content(problem))
        if session is None or not requests.made_in(problem, session.content_created_at):
            return responses.nothing()
        return await self._show(context, call, session)

    async def GetSession(self, request: pb2.GetSessionRequest, context: Context) -> HttpBody:
        """Returns a session."""
        call = current_call()
        workspace = await self._use.view_workspaces.get(call, requests.session(request.session_id))
        return await _respond(context, workspace, call.email)

    async def AutosaveSession(self, request: pb2.AutosaveSessionRequest, context: Context) -> HttpBody:
        """Saves the diagram when it changed, its time always. Another's session is not found."""
        call, ref = current_call(), requests.session(request.session_id)
        found = await self._use.save_draft.find(call, ref)
        stored = found.draft if found else None
        body: bodies.Autosave | None = call.request.body if call.request else None
        body = body or bodies.read_plain_autosave(request.body.data, stored, most=_SHORT_BYTES)
        if body is None:
            body = await self._run_in_thread(bodies.read_autosave, request.body.data)
        try:
            session = await self._use.save_draft(
                call,
                ref,
                body.diagram,
                found=found,
                reported=body.time_spent,
                base_hash=requests.edited_version(context),
            )
        except SessionNotFoundError as error:
            raise SessionNotFoundError(ref.id) from error
        workspace = None
        # What differs in spelling only is not written: the text stays that of the first.
        if not _has_text_of(body, session, found):
            workspace = await self._use.view_workspaces.of(session)
        if workspace is None or workspace.document_hash != session.draft_hash:
            workspace = await self._use.view_workspaces.around(session, body.diagram)
        return await _respond(context, workspace, call.email)

    async def PauseSession(self, request: pb2.PauseSessionRequest, context: Context) -> HttpBody:
        """Pauses a session."""
        call, ref = current_call(), requests.session(request.session_id)
        session = await self._use.pause_session(call, ref, reported=request.time_spent)
        return await self._show(context, call, session)

    async def ResumeSession(self, request: pb2.ResumeSessionRequest, context: Context) -> HttpBody:
        """Resumes a session."""
        call = current_call()
        session = await self._use.resume_session(call, requests.session(request.session_id))
        return await self._show(context, call, session)

    async def AddSessionMessage(self, request: pb2.AddSessionMessageRequest, context: Context) -> HttpBody:
        """Adds a line to the conversation."""
        call, ref = current_call(), requests.session(request.session_id)
        said = await self._use.add_message(call, ref, role=request.role, content=request.content)
        return await self._show(context, call, said.session)

    async def AbandonSession(self, request: pb2.AbandonSessionRequest, context: Context) -> Empty:
        """Gives a session up. Another's is not found. 204."""
        ref = requests.session(request.session_id)
        try:
            await self._use.abandon_session(current_call(), ref)
        except SessionNotFoundError as error:
            raise SessionNotFoundError(ref.id) from error
        await answer_with_status(context, 204)
        return Empty()

    async def CreateSubmission(self, request: pb2.CreateSubmissionRequest, context: Context) -> HttpBody:
        """Makes a submission by hand; the gateway answers 201."""
        call = current_call()
        body = await self._read(call, bodies.read_new_submission, request.body.data)
        problem = requests.problem(body.problem_id)
        made = await self._use.create_submission(
            call,
            content=requests.content(problem),
            content_second=problem.second,
            document=body.diagram,
            status=body.status,
        )
        await answer_with_status(context, 201)
        return responses.changed_submission("Submission created successfully", made, call.email)

    async def SubmitSession(self, request: pb2.SubmitSessionRequest, context: Context) -> HttpBody:
        """Hands a session's work in; the gateway answers 201."""
        call = current_call()
        made = await self._use.submit_session(call, requests.session(request.session_id))
        await answer_with_status(context, 201)
        return responses.changed_submission("Submission created from session successfully", made, call.email)

    async def ListMySubmissions(self, request: pb2.ListMySubmissionsRequest, context: Context) -> HttpBody:
        """Lists the caller's submissions, newest first, without diagrams."""
        call, limit = current_call(), requests.limit(request)
        found, total = await self._use.list_submissions(
            SubmissionSelection(user_id=call.user_id, offset=request.skip, limit=limit)
        )
        return responses.submissions(found, total, request.skip, limit, call.email)

    async def GetSubmissionForProblem(
        self, request: pb2.GetSubmissionForProblemRequest, context: Context
    ) -> HttpBody:
        """Returns the caller's newest submission for a problem."""
        call, problem = current_call(), object_ids.decode(request.problem_id)
        found = await self._use.get_submission.newest(call, requests.content(problem)) if problem else None
        made = found.content_created_at if found else None
        if found is None or problem is None or (made and problem.second != int(made.timestamp())):
            raise NotFoundError("No submission found for this problem", reason="SUBMISSION_NOT_FOUND")
        return responses.submission(found, call.email)

    async def GetSubmission(self, request: pb2.GetSubmissionRequest, context: Context) -> HttpBody:
        """Returns a submission."""
        call = current_call()
        found = await self._use.get_submission(call, requests.submission(request.submission_id))
        return responses.submission(found, call.email)

    async def UpdateSubmission(self, request: pb2.UpdateSubmissionRequest, context: Context) -> HttpBody:
        """Changes the fields sent."""
        call, ref = current_call(), requests.submission(request.submission_id)
        changes = await self._read(call, bodies.read_submission_changes, request.body.data)
        changed = await self._use.update_submission(call, ref, changes)
        return responses.changed_submission("Submission updated successfully", changed, call.email)

    async def AddSubmissionMessage(
        self, request: pb2.AddSubmissionMessageRequest, context: Context
    ) -> HttpBody:
        """Adds a line to a submission's conversation."""
        call, ref = current_call(), requests.submission(request.submission_id)
        told = await self._use.add_submission_message(call, ref, role=request.role, content=request.content)
        return responses.changed_submission("Chat message added successfully", told, call.email)

    async def DeleteSubmission(self, request: pb2.DeleteSubmissionRequest, context: Context) -> Empty:
        """Deletes a submission of the caller's; another's looks as if it was not there. 204."""
        try:
            await self._use.delete_submission(current_call(), requests.submission(request.submission_id))
        except SubmissionNotFoundError as error:
            raise NotFoundError(
                "Submission not found or not authorized to delete",
                reason="SUBMISSION_NOT_FOUND",
                **error.metadata,
            ) from error
        await answer_with_status(context, 204)
        return Empty()

    async def _read(self, call: Call, read: Callable[[bytes], T], data: bytes) -> T:
        """Returns what a body says, which may have been read to tell the request from another."""
        known: T | None = call.request.body if call.request else None
        return known if known is not None else await self._run_in_thread(read, data)

    async def _show(
        self, context: Context, call: Call, session: PracticeSession, status: int = 200
    ) -> HttpBody:
        return await _respond(context, await self._use.view_workspaces.of(session), call.email, status)


def _has_text_of(body: bodies.Autosave, session: PracticeSession, found: FoundDraft | None) -> bool:
    """Tells whether it is known that what is stored of a session is the text of the body, to the byte."""
    if found is None or session.version != found.session.version + 1:
        # Somebody else saved something in between.
        return False
    if session.draft_hash != found.session.draft_hash or found.draft is None or body.stored:
        return True
    return found.draft.is_text(body.diagram.content.encode())


async def _respond(context: Context, workspace: Workspace, email: str, status: int = 200) -> HttpBody:
    """Returns a session, its diagram's hash as the ETag that If-Match takes."""
    tag = ("etag", f'"{workspace.document_hash}"')
    await context.send_initial_metadata(((STATUS_KEY, str(status)), tag))
    return responses.session(workspace, email)
