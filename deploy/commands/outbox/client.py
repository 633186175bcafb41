"""Asks the session service about the events that have not arrived, and sends dead letters again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import grpc
from practice.session.v1 import outbox_admin_service_pb2 as pb
from practice.session.v1.outbox_admin_service_pb2_grpc import OutboxAdminServiceStub

from deploy.commands.admin_calls import INTERNAL_HEADER, open_admin_channel

# Seconds for one call.
DEADLINE = 10.0
LARGEST_BATCH = 1000


class OutboxOffice:
    """The session service's OutboxAdminService. Methods raise CallFailedError."""

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
        request = pb.RequeueDeadLettersRequest(event_ids=event_ids, all=not event_ids)
        answer = self._stub.RequeueDeadLetters(request, timeout=DEADLINE, metadata=self._metadata)
        return answer.requeued_count


@contextmanager
def open_office(session_address: str, internal_token: str) -> Iterator[OutboxOffice]:
    """Opens the office of the service at `host:port`. Raises CallFailedError for every failed call."""
    with open_admin_channel("session", session_address) as channel:
        yield OutboxOffice(channel, internal_token)
