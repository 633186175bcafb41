"""The exercises product on the wire."""

from __future__ import annotations

from typing import Any

import grpc
from google.protobuf.struct_pb2 import Value
from practice.products.exercises.v1 import exercises_service_pb2 as pb2
from practice.products.exercises.v1.exercises_service_pb2_grpc import ExercisesServiceServicer

from service_kit.call import current_call
from service_kit.errors import InvalidArgumentError, ServiceError
from service_kit.grpc.presentation import ProductError, http_status, message_of
from session_service.adapters.grpc.converters import refusal_error
from session_service.adapters.grpc.products.shapes import number_in, rfc3339_milliseconds
from session_service.application.ports.sessions import SessionRef
from session_service.application.submit_answers import Answered, SubmittedAnswer
from session_service.application.use_cases import UseCases
from session_service.domain.errors import ItemNotFoundError, ModeUnknownError
from session_service.domain.policies import policy_of
from session_service.domain.practice_session import PracticeSession

PRODUCT = "exercises"
SERVICE = "practice.products.exercises.v1.ExercisesService"

Context = grpc.aio.ServicerContext[Any, Any]

_STATUSES = {"SESSION_ENDED": 400}
# Of a text that names nothing.
_LONGEST_SHOWN = 64


def present(error: ServiceError) -> ProductError:
    """Returns an error as this product's clients know it."""
    return ProductError(http_status(error, _STATUSES), {"detail": _detail(error)})


def _detail(error: ServiceError) -> str:
    if error.reason == "MODE_UNKNOWN":
        return f"Invalid session_type. Must be one of: {error.metadata['allowed']}"
    return {
        "SESSION_NOT_FOUND": "Session not found or does not belong to user",
        "SESSION_ENDED": "Session is already completed",
        "ITEM_NOT_FOUND": "Exercise not found",
    }.get(error.reason) or message_of(error)


class ExercisesServicer(ExercisesServiceServicer):
    """Implements practice.products.exercises.v1.ExercisesService."""

    def __init__(self, use_cases: UseCases) -> None:
        self._use = use_cases

    async def StartSession(
        self, request: pb2.StartSessionRequest, context: Context
    ) -> pb2.StartSessionResponse:
        """Starts a session of drills."""
        if request.HasField("session_type") and not request.session_type:
            # Left out means the default; an empty text is no type.
            raise ModeUnknownError("", policy_of(PRODUCT).modes)
        started = await self._use.start_session(current_call(), product=PRODUCT, mode=request.session_type)
        session = started.session
        return pb2.StartSessionResponse(
            session_id=session.id, started_at=rfc3339_milliseconds(session.started_at)
        )

    async def SubmitAnswer(
        self, request: pb2.SubmitAnswerRequest, context: Context
    ) -> pb2.SubmitAnswerResponse:
        """Records one answer."""
        call, exercise = current_call(), _exercise(request.exercise_id)
        answer = SubmittedAnswer(
            item=f"exercises/{exercise}",
            text=request.user_answer,
            time_taken=request.time_taken if request.HasField("time_taken") else None,
        )
        if request.HasField("session_id"):
            submission = await self._use.submit_answers(
                call, SessionRef(request.session_id, PRODUCT), [answer]
            )
        else:
            submission = await self._use.record_standalone_answer(call, PRODUCT, answer)
        return _to_response(exercise, submission)

    async def EndSession(self, request: pb2.EndSessionRequest, context: Context) -> pb2.EndSessionResponse:
        """Ends a session and sums it up."""
        ended = await self._use.complete_session(current_call(), SessionRef(request.session_id, PRODUCT))
        return _to_summary(ended.session)


def _exercise(given: Value) -> int:
    """Returns the exercise's number, which the document shows as text.

    Raises ItemNotFoundError for a text that names none, InvalidArgumentError
    for what is neither text nor a whole number.
    """
    number: int | None
    match given.WhichOneof("kind"):
        case "string_value":
            number = number_in(given.string_value)
            if number is None:
                raise ItemNotFoundError(f"exercises/{given.string_value[:_LONGEST_SHOWN]}")
            return number
        case "number_value" if given.number_value.is_integer():
            return int(given.number_value)
        case None | "null_value":
            raise _invalid("value is required", rule="required")
    raise _invalid("must be the number of an exercise", rule="int64")


def _invalid(problem: str, rule: str) -> InvalidArgumentError:
    return InvalidArgumentError(
        f"exercise_id: {problem}", reason="FIELD_INVALID", field="exercise_id", rule=rule
    )


def _to_response(exercise_id: int, submission: Answered) -> pb2.SubmitAnswerResponse:
    (result,) = submission.results
    if result.refusal is not None:
        raise refusal_error(result.refusal)
    assert result.recorded is not None
    session = submission.session
    return pb2.SubmitAnswerResponse(
        is_correct=result.recorded.correct,
        correct_answer=result.recorded.correct_answer,
        exercise_id=exercise_id,
        session_id=session.id,
        feedback=result.recorded.feedback,
        total_exercises=session.answer_count,
        correct_answers=session.correct_answer_count,
        score_percentage=session.score_percentage,
    )


def _to_summary(session: PracticeSession) -> pb2.EndSessionResponse:
    assert session.ended_at is not None
    return pb2.EndSessionResponse(
        session_id=session.id,
        started_at=rfc3339_milliseconds(session.started_at),
        ended_at=rfc3339_milliseconds(session.ended_at),
        duration_seconds=int((session.ended_at - session.started_at).total_seconds()),
        total_exercises=session.answer_count,
        correct_answers=session.correct_answer_count,
        score_percentage=session.score_percentage,
        session_type=session.mode,
    )
