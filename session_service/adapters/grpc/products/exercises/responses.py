"""What the exercises product's clients are answered."""

from __future__ import annotations

from practice.products.exercises.v1 import exercises_service_pb2 as pb2

from session_service.adapters.grpc.products.shapes import rfc3339_milliseconds
from session_service.application.submit_answers import Answered
from session_service.domain.practice_session import PracticeSession


def started(session: PracticeSession) -> pb2.StartSessionResponse:
    """Returns a session that has just begun."""
    return pb2.StartSessionResponse(
        session_id=session.id, started_at=rfc3339_milliseconds(session.started_at)
    )


def answered(exercise_id: int, submission: Answered) -> pb2.SubmitAnswerResponse:
    """Returns how an answer was graded. Raises the error that it was refused with."""
    (result,) = submission.results
    if result.refusal is not None:
        raise result.refusal.as_error()
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


def ended(session: PracticeSession) -> pb2.EndSessionResponse:
    """Returns the summary of an ended session."""
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
