"""Events for those who compare: convert, call the use case, convert back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import grpc
from practice.session.v1 import reconciliation_service_pb2 as pb
from practice.session.v1.reconciliation_service_pb2_grpc import ReconciliationAdminServiceServicer

from session_service.application.get_user_events import GetUserEvents
from session_service.application.list_event_digests import ListEventDigests
from session_service.application.list_user_events import ListUserEvents
from session_service.application.reconciliation import DigestSelection, EventDigest, EventRecord, ListedEvent
from session_service.application.republish_events import RepublishEvents
from session_service.domain.events import Event, subject_of

Context = grpc.aio.ServicerContext[Any, Any]

SERVICE = "practice.session.v1.ReconciliationAdminService"

_MOST_PEOPLE = 5_000
_MOST_EVENTS = 10_000


class ReconciliationServicer(ReconciliationAdminServiceServicer):
    """Implements practice.session.v1.ReconciliationAdminService."""

    def __init__(self, record: EventRecord, encode: Callable[[Event], bytes]) -> None:
        self._list_event_digests = ListEventDigests(record)
        self._list_user_events = ListUserEvents(record)
        self._get_user_events = GetUserEvents(record)
        self._republish_events = RepublishEvents(record)
        self._encode = encode

    async def ListEventDigests(
        self, request: pb.ListEventDigestsRequest, context: Context
    ) -> pb.ListEventDigestsResponse:
        """Returns a page of people."""
        digests = await self._list_event_digests(_selection(request))
        return pb.ListEventDigestsResponse(digests=map(_from_digest, digests))

    async def ListUserEvents(
        self, request: pb.ListUserEventsRequest, context: Context
    ) -> pb.ListUserEventsResponse:
        """Returns a page of a person's events."""
        limit = request.limit or _MOST_EVENTS
        listed = await self._list_user_events(request.user_id, request.after_user_seq, limit)
        return pb.ListUserEventsResponse(events=map(_from_listed, listed or ()), erased=listed is None)

    async def GetUserEvents(
        self, request: pb.GetUserEventsRequest, context: Context
    ) -> pb.GetUserEventsResponse:
        """Returns events as they were published."""
        events = await self._get_user_events(request.user_id, list(request.user_seqs))
        return pb.GetUserEventsResponse(events=map(self._from_event, events))

    async def RepublishEvents(
        self, request: pb.RepublishEventsRequest, context: Context
    ) -> pb.RepublishEventsResponse:
        """Puts events back into the outbox."""
        republished = await self._republish_events(request.user_id, list(request.user_seqs))
        return pb.RepublishEventsResponse(republished_count=republished)

    def _from_event(self, event: Event) -> pb.GetUserEventsResponse.PublishedEvent:
        kind, _ = subject_of(event)
        return pb.GetUserEventsResponse.PublishedEvent(kind=kind, payload=self._encode(event))


def _selection(request: pb.ListEventDigestsRequest) -> DigestSelection:
    since: timedelta | None = request.since.ToTimedelta() if request.HasField("since") else None
    return DigestSelection(
        after_user_id=request.after_user_id,
        limit=request.limit or _MOST_PEOPLE,
        settle=request.settle.ToTimedelta(),
        since=since,
        user_ids=tuple(request.user_ids),
    )


def _from_digest(digest: EventDigest) -> pb.EventDigest:
    return pb.EventDigest(
        user_id=digest.user_id,
        last_seq=digest.last_seq,
        settled_through=digest.settled_through,
        count=digest.count,
        digest=digest.digest,
    )


def _from_listed(event: ListedEvent) -> pb.ListUserEventsResponse.UserEvent:
    return pb.ListUserEventsResponse.UserEvent(
        event_id=str(event.event_id), user_seq=event.user_seq, digest=event.digest
    )
