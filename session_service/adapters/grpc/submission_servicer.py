"""The canonical API of submissions: convert, call the use case, convert back."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import grpc
from google.protobuf.duration_pb2 import Duration
from google.protobuf.empty_pb2 import Empty
from practice.session.v1 import submission_pb2
from practice.session.v1 import submission_service_pb2 as pb2
from practice.session.v1.submission_service_pb2_grpc import SubmissionServiceServicer

from service_kit.call import current_call
from service_kit.errors import InvalidArgumentError
from service_kit.paging import PageRequest
from session_service.adapters.events import instant_to_proto
from session_service.adapters.grpc import converters as convert
from session_service.application.ports.submissions import SubmissionRef, SubmissionSelection
from session_service.application.submissions import (
    AddSubmissionMessage,
    CreateSubmission,
    DeleteSubmission,
    GetSubmission,
    ListSubmissions,
    SubmitSession,
    UpdateSubmission,
)
from session_service.domain.submission import IN_PROGRESS, Feedback, Submission

Context = grpc.aio.ServicerContext[Any, Any]

_NAME = re.compile(r"submissions/[1-9][0-9]{0,17}")
_LONGEST_ELAPSED = 2**31 - 1


@dataclass(frozen=True, slots=True)
class UseCases:
    """What happens to submissions."""

    create_submission: CreateSubmission
    submit_session: SubmitSession
    get_submission: GetSubmission
    list_submissions: ListSubmissions
    update_submission: UpdateSubmission
    add_submission_message: AddSubmissionMessage
    delete_submission: DeleteSubmission


class SubmissionServicer(SubmissionServiceServicer):
    """Serves the canonical API of submissions."""

    def __init__(self, use_cases: UseCases) -> None:
        self._use = use_cases

    async def CreateSubmission(
        self, request: pb2.CreateSubmissionRequest, context: Context
    ) -> submission_pb2.Submission:
        """Makes a submission by hand."""
        given = request.submission
        made = await self._use.create_submission(
            current_call(),
            content=_problem(given.content),
            document=given.document or "{}",
            status=given.status or IN_PROGRESS,
        )
        return submission_to_proto(made)

    async def SubmitSession(
        self, request: pb2.SubmitSessionRequest, context: Context
    ) -> submission_pb2.Submission:
        """Hands a session's work in."""
        ref = convert.ref_from_name(request.name)
        return submission_to_proto(await self._use.submit_session(current_call(), ref))

    async def GetSubmission(
        self, request: pb2.GetSubmissionRequest, context: Context
    ) -> submission_pb2.Submission:
        """Returns a submission."""
        return submission_to_proto(await self._use.get_submission(current_call(), _ref(request.name)))

    async def ListSubmissions(
        self, request: pb2.ListSubmissionsRequest, context: Context
    ) -> pb2.ListSubmissionsResponse:
        """Returns a page of submissions."""
        call = current_call()
        chosen = (call.user_id, request.content)
        wanted = PageRequest("ListSubmissions", request.page_size, request.page_token, chosen)
        found, total = await self._use.list_submissions(
            SubmissionSelection(
                user_id=call.user_id,
                content=request.content,
                before_id=wanted.number(),
                limit=wanted.limit,
            )
        )
        page = wanted.page(found, lambda submission: submission.id)
        return pb2.ListSubmissionsResponse(
            submissions=map(submission_to_proto, page.items),
            next_page_token=page.next_page_token,
            total_size=total,
        )

    async def UpdateSubmission(
        self, request: pb2.UpdateSubmissionRequest, context: Context
    ) -> submission_pb2.Submission:
        """Changes a submission."""
        given = request.submission
        paths = (
            list(request.update_mask.paths) if request.HasField("update_mask") else _fields_with_values(given)
        )
        changed = await self._use.update_submission(
            current_call(), _ref(given.name), _changes(given, paths), etag=given.etag
        )
        return submission_to_proto(changed)

    async def AddSubmissionMessage(
        self, request: pb2.AddSubmissionMessageRequest, context: Context
    ) -> submission_pb2.Submission:
        """Adds a line to the conversation."""
        told = await self._use.add_submission_message(
            current_call(), _ref(request.name), role=request.role, content=request.content
        )
        return submission_to_proto(told)

    async def DeleteSubmission(self, request: pb2.DeleteSubmissionRequest, context: Context) -> Empty:
        """Deletes a submission."""
        await self._use.delete_submission(current_call(), _ref(request.name))
        return Empty()


def submission_to_proto(submission: Submission) -> submission_pb2.Submission:
    """Returns a submission as the canonical API shows it."""
    feedback = submission.feedback
    return submission_pb2.Submission(
        name=f"submissions/{submission.id}",
        user_id=submission.user_id,
        content=submission.content,
        session=f"sessions/{submission.session_id}" if submission.session_id else "",
        document=submission.document,
        score=submission.score,
        elapsed=Duration(seconds=submission.elapsed_seconds),
        status=submission.status,
        feedback=submission_pb2.SubmissionFeedback(
            strengths=feedback.strengths,
            improvements=feedback.improvements,
            missing_components=feedback.missing_components,
        ),
        messages=map(convert.message_to_proto, submission.messages),
        submit_time=instant_to_proto(submission.submitted_at),
        update_time=instant_to_proto(submission.updated_at),
        etag=submission.etag,
    )


def _elapsed_from_proto(given: submission_pb2.Submission) -> int:
    elapsed = convert.seconds_from_proto(given.elapsed)
    if elapsed > _LONGEST_ELAPSED:
        raise _invalid("submission.elapsed", "is too long")
    return elapsed


def _feedback_from_proto(given: submission_pb2.Submission) -> Feedback:
    said = given.feedback
    return Feedback(tuple(said.strengths), tuple(said.improvements), tuple(said.missing_components))


# What an update mask may name, the field it is to us, and how to read it.
_READ: dict[str, tuple[str, Callable[[submission_pb2.Submission], Any]]] = {
    "document": ("document", lambda given: given.document or "{}"),
    "score": ("score", lambda given: given.score),
    "elapsed": ("elapsed_seconds", _elapsed_from_proto),
    "status": ("status", lambda given: given.status or IN_PROGRESS),
    "feedback": ("feedback", _feedback_from_proto),
}


def _fields_with_values(given: submission_pb2.Submission) -> list[str]:
    # Names and what only the server writes may come along, as they were read.
    return [field.name for field, _ in given.ListFields() if field.name in _READ]


def _changes(given: submission_pb2.Submission, paths: list[str]) -> dict[str, Any]:
    names = list(_READ) if paths == ["*"] else paths
    for name in names:
        if name not in _READ:
            raise _invalid("update_mask", f"cannot name {name[:40]}")
    return {_READ[name][0]: _READ[name][1](given) for name in names}


def _ref(name: str) -> SubmissionRef:
    # The schema checks requests' own names; an update's is inside of the submission.
    if not _NAME.fullmatch(name):
        raise _invalid("submission.name", "must be submissions/{number}")
    return SubmissionRef(int(name.removeprefix("submissions/")))


def _problem(content: str) -> str:
    if not content.startswith("problems/"):
        raise _invalid("submission.content", "must be problems/{number}")
    return content


def _invalid(field: str, problem: str) -> InvalidArgumentError:
    return InvalidArgumentError(f"{field}: {problem}", reason="FIELD_INVALID", field=field)
