"""The exercises product on the wire."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import grpc
from practice.products.exercises.v1 import exercises_service_pb2 as pb2
from practice.products.exercises.v1.exercises_service_pb2_grpc import ExercisesServiceServicer

from service_kit.call import current_call
from session_service.adapters.grpc.products.exercises import requests, responses
from session_service.application.complete_session import CompleteSession
from session_service.application.ports.sessions import SessionRef
from session_service.application.start_session import StartSession
from session_service.application.submit_answers import RecordStandaloneAnswer, SubmitAnswers

PRODUCT = "exercises"
SERVICE = "practice.products.exercises.v1.ExercisesService"

Context = grpc.aio.ServicerContext[Any, Any]


@dataclass(frozen=True, slots=True)
class UseCases:
    """What this product's clients do."""

    start_session: StartSession
    submit_answers: SubmitAnswers
    record_standalone_answer: RecordStandaloneAnswer
    complete_session: CompleteSession


class ExercisesServicer(ExercisesServiceServicer):
    """Serves the exercises product."""

    def __init__(self, use_cases: UseCases) -> None:
        self._use = use_cases

    async def StartSession(
        self, request: pb2.StartSessionRequest, context: Context
    ) -> pb2.StartSessionResponse:
        """Starts a session of drills."""
        started = await self._use.start_session(
            current_call(),
            product=PRODUCT,
            mode=request.session_type,
            # Left out means the default; an empty text is no type.
            mode_required=request.HasField("session_type"),
        )
        return responses.started(started.session)

    async def SubmitAnswer(
        self, request: pb2.SubmitAnswerRequest, context: Context
    ) -> pb2.SubmitAnswerResponse:
        """Records one answer."""
        call, exercise = current_call(), requests.exercise_number(request.exercise_id)
        answer = requests.answer_from_proto(request, exercise)
        if request.HasField("session_id"):
            submission = await self._use.submit_answers(
                call, SessionRef(request.session_id, PRODUCT), [answer]
            )
        else:
            submission = await self._use.record_standalone_answer(call, PRODUCT, answer)
        return responses.answered(exercise, submission)

    async def EndSession(self, request: pb2.EndSessionRequest, context: Context) -> pb2.EndSessionResponse:
        """Ends a session and sums it up."""
        ended = await self._use.complete_session(current_call(), SessionRef(request.session_id, PRODUCT))
        return responses.ended(ended.session)
