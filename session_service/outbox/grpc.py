"""Events for operators and for those who compare: convert, call the use case, convert back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import grpc
from practice.session.v1 import outbox_admin_service_pb2 as outbox_pb
from practice.session.v1 import reconciliation_service_pb2 as events_pb
from practice.session.v1.outbox_admin_service_pb2_grpc import OutboxAdminServiceServicer
from practice.session.v1.reconciliation_service_pb2_grpc import ReconciliationAdminServiceServicer

from service_kit.paging import PageRequest, invalid_page_token
from session_service.adapters.events import instant_to_proto
from session_service.domain.events import Event, subject_of
from session_service.outbox.ports import DeadLetter, DigestSelection, EventDigest, ListedEvent
from session_service.outbox.use_cases import (
    GetOutbox,
    GetUserEvents,
    ListDeadLetters,
    ListEventDigests,
    ListUserEvents,
    RepublishEvents,
    RequeueDeadLetters,
)

Context = grpc.aio.ServicerContext[Any, Any]

OUTBOX_ADMIN = "practice.session.v1.OutboxAdminService"
RECONCILIATION_ADMIN = "practice.session.v1.ReconciliationAdminService"

_LIST = "ListDeadLetters"
_DEFAULT_PAGE = 50
_MOST_USERS = 5_000
_MOST_EVENTS = 10_000


@dataclass(frozen=True, slots=True)
class EventUseCases:
    """What is asked of the record of all events."""

    list_event_digests: ListEventDigests
    list_user_events: ListUserEvents
    get_user_events: GetUserEvents
    republish_events: RepublishEvents


@dataclass(frozen=True, slots=True)
class OutboxUseCases:
    """What operators ask of the outbox."""

    get_outbox: GetOutbox
    list_dead_letters: ListDeadLetters
    requeue_dead_letters: RequeueDeadLetters


class ReconciliationServicer(ReconciliationAdminServiceServicer):
    """Serves the events to those who compare them with their own."""

    def __init__(self, use_cases: EventUseCases, encode: Callable[[Event], bytes]) -> None:
        self._use = use_cases
        self._encode = encode

    async def ListEventDigests(
        self, request: events_pb.ListEventDigestsRequest, context: Context
    ) -> events_pb.ListEventDigestsResponse:
        """Returns a page of users."""
        digests = await self._use.list_event_digests(_selection_from_proto(request))
        return events_pb.ListEventDigestsResponse(digests=map(_digest_to_proto, digests))

    async def ListUserEvents(
        self, request: events_pb.ListUserEventsRequest, context: Context
    ) -> events_pb.ListUserEventsResponse:
        """Returns a page of a user's events."""
        limit = request.limit or _MOST_EVENTS
        listed = await self._use.list_user_events(request.user_id, request.after_user_seq, limit)
        return events_pb.ListUserEventsResponse(
            events=map(_event_to_proto, listed or ()), erased=listed is None
        )

    async def GetUserEvents(
        self, request: events_pb.GetUserEventsRequest, context: Context
    ) -> events_pb.GetUserEventsResponse:
        """Returns events as they were published."""
        events = await self._use.get_user_events(request.user_id, list(request.user_seqs))
        return events_pb.GetUserEventsResponse(events=map(self._published_to_proto, events))

    async def RepublishEvents(
        self, request: events_pb.RepublishEventsRequest, context: Context
    ) -> events_pb.RepublishEventsResponse:
        """Puts events back into the outbox."""
        republished = await self._use.republish_events(request.user_id, list(request.user_seqs))
        return events_pb.RepublishEventsResponse(republished_count=republished)

    def _published_to_proto(self, event: Event) -> events_pb.GetUserEventsResponse.PublishedEvent:
        kind, _ = subject_of(event)
        return events_pb.GetUserEventsResponse.PublishedEvent(kind=kind, payload=self._encode(event))


def _selection_from_proto(request: events_pb.ListEventDigestsRequest) -> DigestSelection:
    since: timedelta | None = request.since.ToTimedelta() if request.HasField("since") else None
    return DigestSelection(
        after_user_id=request.after_user_id,
        limit=request.limit or _MOST_USERS,
        settle=request.settle.ToTimedelta(),
        since=since,
        user_ids=tuple(request.user_ids),
    )


def _digest_to_proto(digest: EventDigest) -> events_pb.EventDigest:
    return events_pb.EventDigest(
        user_id=digest.user_id,
        last_seq=digest.last_seq,
        settled_through=digest.settled_through,
        count=digest.count,
        digest=digest.digest,
    )


def _event_to_proto(event: ListedEvent) -> events_pb.ListUserEventsResponse.UserEvent:
    return events_pb.ListUserEventsResponse.UserEvent(
        event_id=str(event.event_id), user_seq=event.user_seq, digest=event.digest
    )


class OutboxAdminServicer(OutboxAdminServiceServicer):
    """Serves operators who look after what has not arrived."""

    def __init__(self, use_cases: OutboxUseCases) -> None:
        self._use = use_cases

    async def GetOutbox(self, request: outbox_pb.GetOutboxRequest, context: Context) -> outbox_pb.Outbox:
        """Counts what has not arrived."""
        state = await self._use.get_outbox()
        outbox = outbox_pb.Outbox(waiting_count=state.waiting, dead_letter_count=state.dead)
        if state.oldest_waiting is not None:
            outbox.oldest_waiting_age.FromTimedelta(state.oldest_waiting)
        return outbox

    async def ListDeadLetters(
        self, request: outbox_pb.ListDeadLettersRequest, context: Context
    ) -> outbox_pb.ListDeadLettersResponse:
        """Returns a page of dead letters."""
        wanted = PageRequest(_LIST, request.page_size, request.page_token, default_size=_DEFAULT_PAGE)
        after = _read_position(wanted.position())
        page = await wanted.fill(
            lambda limit: self._use.list_dead_letters(after=after, limit=limit),
            lambda letter: [letter.dead_at.isoformat(), str(letter.event_id)],
        )
        return outbox_pb.ListDeadLettersResponse(
            dead_letters=map(_letter_to_proto, page.items), next_page_token=page.next_page_token
        )

    async def RequeueDeadLetters(
        self, request: outbox_pb.RequeueDeadLettersRequest, context: Context
    ) -> outbox_pb.RequeueDeadLettersResponse:
        """Gives dead letters a new life."""
        requeued = await self._use.requeue_dead_letters([UUID(event_id) for event_id in request.event_ids])
        return outbox_pb.RequeueDeadLettersResponse(requeued_count=requeued)


def _letter_to_proto(letter: DeadLetter) -> outbox_pb.DeadLetter:
    return outbox_pb.DeadLetter(
        event_id=str(letter.event_id),
        user_id=letter.user_id,
        user_seq=letter.user_seq,
        kind=letter.kind,
        attempts=letter.attempts,
        dead_time=instant_to_proto(letter.dead_at),
        last_error=letter.last_error,
    )


def _read_position(position: Any) -> tuple[datetime, UUID] | None:
    if position is None:
        return None
    try:
        dead_at, event_id = position
        after = datetime.fromisoformat(dead_at), UUID(event_id)
    except (TypeError, ValueError, AttributeError) as error:
        raise invalid_page_token() from error
    if after[0].tzinfo is None:
        raise invalid_page_token()
    return after
