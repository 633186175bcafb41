"""Asks the session service about the events that have not arrived, and sends dead letters again."""

from __future__ import annotations

from collections.abc import Sequence

import grpc
from practice.session.v1 import outbox_admin_service_pb2 as pb
from practice.session.v1.outbox_admin_service_pb2_grpc import OutboxAdminServiceStub

from deploy.commands.admin_client import AdminClient

LARGEST_BATCH = 1000


class OutboxAdminClient(AdminClient):
    """The session service's OutboxAdminService."""

    service = "session"

    def __init__(self, channel: grpc.Channel, internal_token: str) -> None:
        super().__init__(channel, internal_token)
        self._stub = OutboxAdminServiceStub(channel)

    def state(self) -> pb.Outbox:
        """Returns the counts of this moment."""
        return self._call(self._stub.GetOutbox, pb.GetOutboxRequest())

    def dead_letters(self, limit: int) -> Sequence[pb.DeadLetter]:
        """Returns at most `limit` dead letters, the latest first."""
        request = pb.ListDeadLettersRequest()
        return self._list(self._stub.ListDeadLetters, request, lambda page: page.dead_letters, limit)

    def requeue(self, event_ids: Sequence[str]) -> int:
        """Requeues these dead letters, or all when none is named; returns how many. Idempotent."""
        batches = [
            event_ids[start : start + LARGEST_BATCH] for start in range(0, len(event_ids), LARGEST_BATCH)
        ]
        return sum(self._requeue(batch) for batch in batches or [()])

    def _requeue(self, event_ids: Sequence[str]) -> int:
        request = pb.RequeueDeadLettersRequest(event_ids=event_ids, all=not event_ids)
        answer = self._call(self._stub.RequeueDeadLetters, request)
        return answer.requeued_count
