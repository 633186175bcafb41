"""Asks the session service what happened, and to tell it again: synchronous, for the worker."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

import grpc
from practice.session.v1 import reconciliation_service_pb2 as pb
from practice.session.v1.reconciliation_service_pb2_grpc import ReconciliationAdminServiceStub
from typing_extensions import override

from service_kit.errors import UnavailableError
from service_kit.grpc.channels import INTERNAL_KEY
from service_kit.grpc.targets import in_turn, target
from service_kit.logging import get_logger
from stats_service.reconciliation.ports import (
    EventDigest,
    EventRecord,
    Events,
    ExpectedDigest,
    Fact,
    Request,
    Whom,
)

log = get_logger(__name__)

# Learners with events within this time are compared often.
RECENT = timedelta(days=3)
# Seconds for a call. A page of learners is the longest.
_DEADLINE = 10.0
_MOST_NAMED = 1_000

Read = Callable[[str, bytes], Fact]


@contextmanager
def open_event_record(address: str, internal_token: str, read: Read) -> Iterator[SessionEventRecord]:
    """Opens a channel for the duration of a block; connects on first use."""
    # The service is inside the platform's own network, never behind a proxy for the outside.
    options = [("grpc.enable_http_proxy", 0), ("grpc.service_config", json.dumps(in_turn(address)))]
    with grpc.insecure_channel(target(address), options=options) as channel:
        yield SessionEventRecord(channel, internal_token, read)


class SessionEventRecord(EventRecord):
    """Asks the session service over gRPC what happened."""

    def __init__(self, channel: grpc.Channel, internal_token: str, read: Read) -> None:
        """`read` makes facts of the kinds and bytes of events."""
        self._stub = ReconciliationAdminServiceStub(channel)
        self._metadata = ((INTERNAL_KEY, internal_token),)
        self._read = read

    @override
    def digests(self, request: Request, after_user_id: int) -> Sequence[ExpectedDigest]:
        ask = pb.ListEventDigestsRequest(after_user_id=after_user_id, user_ids=request.user_ids)
        ask.settle.FromTimedelta(request.settle)
        if request.whom is Whom.RECENT:
            ask.since.FromTimedelta(RECENT)
        return list(map(_digest_from_proto, self._ask(self._stub.ListEventDigests, ask).digests))

    @override
    def digest_of(self, request: Request, user_id: int) -> ExpectedDigest | None:
        ask = pb.ListEventDigestsRequest(user_ids=[user_id])
        ask.settle.FromTimedelta(request.settle)
        found = self._ask(self._stub.ListEventDigests, ask).digests
        return _digest_from_proto(found[0]) if found else None

    @override
    def list_events(self, user_id: int) -> Events | None:
        events: dict[UUID, EventDigest] = {}
        ask = pb.ListUserEventsRequest(user_id=user_id)
        while True:
            page = self._ask(self._stub.ListUserEvents, ask)
            if page.erased:
                return None
            if not page.events:
                return events
            events |= {UUID(each.event_id): EventDigest(each.user_seq, each.digest) for each in page.events}
            ask.after_user_seq = page.events[-1].user_seq

    @override
    def facts(self, user_id: int, seqs: Sequence[int]) -> Sequence[Fact]:
        return [
            self._read(event.kind, event.payload)
            for some in _parts(seqs)
            for event in self._ask(
                self._stub.GetUserEvents, pb.GetUserEventsRequest(user_id=user_id, user_seqs=some)
            ).events
        ]

    @override
    def republish(self, user_id: int, seqs: Sequence[int]) -> None:
        for some in _parts(seqs):
            ask = pb.RepublishEventsRequest(user_id=user_id, user_seqs=some)
            self._ask(self._stub.RepublishEvents, ask)

    def _ask(self, method: Callable[..., Any], request: object) -> Any:
        try:
            return method(request, timeout=_DEADLINE, metadata=self._metadata)
        except grpc.RpcError as error:
            code = error.code().name if isinstance(error, grpc.Call) else "unknown"
            log.warning("event_record_silent", code=code)
            raise UnavailableError("The session service does not answer", part="session") from error


def _digest_from_proto(told: pb.EventDigest) -> ExpectedDigest:
    return ExpectedDigest(told.user_id, told.last_seq, told.settled_through, told.count, told.digest)


def _parts(seqs: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(seqs), _MOST_NAMED):
        yield seqs[start : start + _MOST_NAMED]
