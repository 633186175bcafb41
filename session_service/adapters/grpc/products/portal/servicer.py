"""The portal product on the wire."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import grpc
from google.api.httpbody_pb2 import HttpBody
from google.protobuf.message import DecodeError
from practice.products.portal.v1 import portal_service_pb2 as pb2
from practice.products.portal.v1.portal_service_pb2_grpc import PortalServiceServicer

from service_kit.call import current_call
from session_service.adapters.grpc.products.portal import bodies, requests, responses
from session_service.adapters.grpc.products.portal.requests import PRODUCT
from session_service.application.complete_session import CompleteWithResults
from session_service.application.ports.cache import Cache
from session_service.application.ports.clock import Clock
from session_service.application.ports.learners import LearnerMark
from session_service.application.ports.readers import SessionSelection
from session_service.application.session_commands import AbandonSession
from session_service.application.session_queries import GetSession, GetSessionReport, ListHistory
from session_service.application.start_session import StartSession
from session_service.application.submit_answers import SubmitAnswers
from session_service.domain.practice_session import PracticeSession

SERVICE = "practice.products.portal.v1.PortalService"

Context = grpc.aio.ServicerContext[Any, Any]

# A part of each key: another number forgets what was kept in an older shape.
_FORMAT = 1


@dataclass(frozen=True, slots=True)
class Lifetimes:
    """How long responses are remembered."""

    history: timedelta
    details: timedelta


@dataclass(frozen=True, slots=True)
class UseCases:
    """What this product's clients do."""

    start_session: StartSession
    submit_answers: SubmitAnswers
    complete_with_results: CompleteWithResults
    abandon_session: AbandonSession
    list_history: ListHistory
    get_session: GetSession
    get_session_report: GetSessionReport


class PortalServicer(PortalServiceServicer):
    """Serves the portal product.

    What is cached is kept under the number of the state it was made of, so a
    change forgets it in its own transaction. Losing the cache loses time only.
    """

    def __init__(
        self,
        use_cases: UseCases,
        *,
        cache: Cache,
        lifetimes: Lifetimes,
        clock: Clock,
    ) -> None:
        self._use = use_cases
        self._cache = cache
        self._lifetimes = lifetimes
        self._clock = clock

    async def StartSession(self, request: pb2.StartSessionRequest, context: Context) -> HttpBody:
        """Starts a session over an activity's words."""
        call = current_call()
        start: bodies.Start = (call.request and call.request.body) or bodies.read_start(request.body.data)
        settings, content = requests.start_settings(start.settings), requests.activity(start.activity_id)
        started = await self._use.start_session(
            call,
            product=PRODUCT,
            content=content,
            selection=settings.selection,
            settings=settings.echo,
        )
        return responses.started(started)

    async def UpdateProgress(
        self, request: pb2.UpdateProgressRequest, context: Context
    ) -> pb2.UpdateProgressResponse:
        """Records an answer."""
        call, ref = current_call(), requests.session_ref(request.session_id)
        submission = await self._use.submit_answers(call, ref, [requests.answer_from_proto(request)])
        (result,) = submission.results
        if result.refusal is not None:
            raise result.refusal.as_error()
        assert result.recorded is not None
        return responses.progressed(result.recorded, submission.session, submission.next_item)

    async def CompleteSession(
        self, request: pb2.CompleteSessionRequest, context: Context
    ) -> pb2.CompleteSessionResponse:
        """Completes a session and sums it up."""
        call, ref = current_call(), requests.session_ref(request.session_id)
        session, results = await self._use.complete_with_results(call, ref)
        return responses.completed(session, results)

    async def CancelSession(
        self, request: pb2.CancelSessionRequest, context: Context
    ) -> pb2.CancelSessionResponse:
        """Gives a session up."""
        ref = requests.session_ref(request.session_id)
        return responses.cancelled(await self._use.abandon_session(current_call(), ref))

    async def ListHistory(self, request: pb2.ListHistoryRequest, context: Context) -> pb2.ListHistoryResponse:
        """Lists ended sessions, newest first."""
        call = current_call()
        mark = await self._use.list_history.mark(call.user_id)
        calendar = mark.calendar_in(call.time_zone)
        selection = requests.history_selection(request, call.user_id, calendar)
        response = pb2.ListHistoryResponse()
        if not await self._recall(_history_key(mark, selection), response):
            found = await self._use.list_history(selection)
            response = responses.history(found)
            kept = response.SerializeToString()
            await self._cache.put(_history_key(found.mark, selection), kept, self._lifetimes.history)
        return response

    async def GetSession(self, request: pb2.GetSessionRequest, context: Context) -> pb2.GetSessionResponse:
        """Returns a session's details."""
        call, ref = current_call(), requests.session_ref(request.session_id)
        session = await self._use.get_session(call, ref)
        response = pb2.GetSessionResponse()
        if not await self._recall(_details_key(session), response):
            session, report = await self._use.get_session_report(call, ref)
            response = responses.details(session, report)
            await self._cache.put(
                _details_key(session), response.SerializeToString(), self._lifetimes.details
            )
        response.timing.duration = session.duration_at(self._clock())
        return response

    async def _recall(self, key: str, response: pb2.ListHistoryResponse | pb2.GetSessionResponse) -> bool:
        """Fills the response from the cache; tells whether it was there."""
        kept = await self._cache.get(key)
        if kept is None:
            return False
        try:
            response.ParseFromString(kept)
        except DecodeError:
            return False
        return True


def _history_key(mark: LearnerMark, selection: SessionSelection) -> str:
    """Returns a key that no other history has: the zone is in the instants it was resolved to."""
    start, end = (
        bound.isoformat() if bound else "" for bound in (selection.started_from, selection.started_before)
    )
    asked = f"{selection.content}:{start}:{end}:{selection.limit}:{selection.offset}"
    return f"portal:{_FORMAT}:history:{selection.user_id}:{mark.last_seq}:{asked}"


def _details_key(session: PracticeSession) -> str:
    return f"portal:{_FORMAT}:details:{session.user_id}:{session.id}:{session.version}"
