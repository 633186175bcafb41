"""The outbox for operators: convert, call the use case, convert back."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import grpc
from practice.session.v1 import outbox_admin_service_pb2 as pb2
from practice.session.v1.outbox_admin_service_pb2_grpc import OutboxAdminServiceServicer

from service_kit.paging import decode_page_token, encode_page_token, invalid_page_token
from session_service.adapters.events import to_timestamp
from session_service.application.outbox import DeadLetter
from session_service.application.use_cases import UseCases

Context = grpc.aio.ServicerContext[Any, Any]

SERVICE = "practice.session.v1.OutboxAdminService"

_LIST = "ListDeadLetters"
_DEFAULT_PAGE = 50


class OutboxAdminServicer(OutboxAdminServiceServicer):
    """Implements practice.session.v1.OutboxAdminService."""

    def __init__(self, use_cases: UseCases) -> None:
        self._use = use_cases

    async def GetOutbox(self, request: pb2.GetOutboxRequest, context: Context) -> pb2.Outbox:
        """Counts what has not arrived."""
        state = await self._use.get_outbox()
        outbox = pb2.Outbox(waiting_count=state.waiting, dead_letter_count=state.dead)
        if state.oldest_waiting is not None:
            outbox.oldest_waiting_age.FromTimedelta(state.oldest_waiting)
        return outbox

    async def ListDeadLetters(
        self, request: pb2.ListDeadLettersRequest, context: Context
    ) -> pb2.ListDeadLettersResponse:
        """Returns a page of dead letters."""
        limit = request.page_size or _DEFAULT_PAGE
        found = await self._use.list_dead_letters(after=_position(request.page_token), limit=limit + 1)
        page = found[:limit]
        more = ""
        if len(found) > limit:
            more = encode_page_token(_LIST, [], [page[-1].dead_at.isoformat(), str(page[-1].event_id)])
        return pb2.ListDeadLettersResponse(
            dead_letters=[_to_proto(letter) for letter in page], next_page_token=more
        )

    async def RequeueDeadLetters(
        self, request: pb2.RequeueDeadLettersRequest, context: Context
    ) -> pb2.RequeueDeadLettersResponse:
        """Gives dead letters a new life."""
        requeued = await self._use.requeue_dead_letters([UUID(event_id) for event_id in request.event_ids])
        return pb2.RequeueDeadLettersResponse(requeued_count=requeued)


def _to_proto(letter: DeadLetter) -> pb2.DeadLetter:
    return pb2.DeadLetter(
        event_id=str(letter.event_id),
        user_id=letter.user_id,
        user_seq=letter.user_seq,
        kind=letter.kind,
        attempts=letter.attempts,
        dead_time=to_timestamp(letter.dead_at),
        last_error=letter.last_error,
    )


def _position(token: str) -> tuple[datetime, UUID] | None:
    position = decode_page_token(_LIST, [], token)
    if not token:
        return None
    try:
        dead_at, event_id = position
        after = datetime.fromisoformat(dead_at), UUID(event_id)
    except (TypeError, ValueError, AttributeError) as error:
        raise invalid_page_token() from error
    if after[0].tzinfo is None:
        raise invalid_page_token()
    return after
