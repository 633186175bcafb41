"""Asks the session service about the events that have not arrived, and sends dead letters again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import grpc
from practice.session.v1 import outbox_admin_service_pb2 as pb
from practice.session.v1.outbox_admin_service_pb2_grpc import OutboxAdminServiceStub

INTERNAL_HEADER = "x-practice-internal"
# Seconds for one call.
DEADLINE = 10.0
LARGEST_BATCH = 1000


class OutboxFailedError(Exception):
    """The session service did not do what was asked; the message is one line for a person."""


class OutboxOffice:
    """The session service's OutboxAdminService. Methods raise OutboxFailedError."""

    def __init__(self, channel: grpc.Channel, internal_token: str) -> None:
        self._stub = OutboxAdminServiceStub(channel)
        self._metadata = ((INTERNAL_HEADER, internal_token),)

    def state(self) -> pb.Outbox:
        """Returns the counts of this moment."""
        return self._stub.GetOutbox(pb.GetOutboxRequest(), timeout=DEADLINE, metadata=self._metadata)

    def dead_letters(self, limit: int) -> Sequence[pb.DeadLetter]:
        """Returns at most `limit` dead letters, the latest first."""
        letters: list[pb.DeadLetter] = []
        request = pb.ListDeadLettersRequest()
        while len(letters) < limit:
            request.page_size = min(limit - len(letters), LARGEST_BATCH)
            page = self._stub.ListDeadLetters(request, timeout=DEADLINE, metadata=self._metadata)
            letters += page.dead_letters
            if not page.next_page_token:
                break
            request.page_token = page.next_page_token
        return letters

    def requeue(self, event_ids: Sequence[str]) -> int:
        """Requeues these dead letters, or all when none is named; returns how many. Idempotent."""
        batches = [
            event_ids[start : start + LARGEST_BATCH] for start in range(0, len(event_ids), LARGEST_BATCH)
        ]
        return sum(self._requeue(batch) for batch in batches or [()])

    def _requeue(self, event_ids: Sequence[str]) -> int:
        request = pb.RequeueDeadLettersRequest(event_ids=event_ids)
        answer = self._stub.RequeueDeadLetters(request, timeout=DEADLINE, metadata=self._metadata)
        return answer.requeued_count


@contextmanager
def open_office(session_address: str, internal_token: str) -> Iterator[OutboxOffice]:
    """Opens the office of the service at `host:port`. Raises OutboxFailedError for every failed call."""
    # The service is inside the platform's own network, never behind a proxy for the outside.
    with grpc.insecure_channel(session_address, options=[("grpc.enable_http_proxy", 0)]) as channel:
        try:
            yield OutboxOffice(channel, internal_token)
        except grpc.RpcError as error:
            # What a client call raises is the call itself, which knows its status.
            reason = f"{error.code().name}: {error.details()}" if isinstance(error, grpc.Call) else str(error)
            raise OutboxFailedError(f"the session service at {session_address}: {reason}") from error
