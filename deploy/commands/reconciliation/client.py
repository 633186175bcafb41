"""Asks the stats service to compare what it has with what happened, and to heal what differs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import grpc
from practice.stats.v1 import reconciliation_service_pb2 as pb
from practice.stats.v1.reconciliation_service_pb2_grpc import ReconciliationAdminServiceStub

from deploy.commands.admin_calls import INTERNAL_HEADER, open_admin_channel

# Seconds for one call.
DEADLINE = 10.0
_LARGEST_PAGE = 1000


class ReconciliationOffice:
    """The stats service's ReconciliationAdminService. Methods raise CallFailedError."""

    def __init__(self, channel: grpc.Channel, internal_token: str) -> None:
        self._stub = ReconciliationAdminServiceStub(channel)
        self._metadata = ((INTERNAL_HEADER, internal_token),)

    def start(self, request: pb.StartReconciliationRequest) -> pb.Reconciliation:
        """Starts a run, or goes on with one that asks for the same."""
        return self._stub.StartReconciliation(request, timeout=DEADLINE, metadata=self._metadata)

    def get(self, run_id: str) -> pb.Reconciliation:
        """Returns a run as it is now, the newest when none is named."""
        request = pb.GetReconciliationRequest(run_id=run_id)
        return self._stub.GetReconciliation(request, timeout=DEADLINE, metadata=self._metadata)

    def people(self, run_id: str, limit: int) -> Sequence[pb.ReconciledPerson]:
        """Returns at most `limit` people who differed, by number."""
        people: list[pb.ReconciledPerson] = []
        request = pb.ListReconciledPeopleRequest(run_id=run_id)
        while len(people) < limit:
            request.page_size = min(limit - len(people), _LARGEST_PAGE)
            page = self._stub.ListReconciledPeople(request, timeout=DEADLINE, metadata=self._metadata)
            people += page.people
            if not page.next_page_token:
                break
            request.page_token = page.next_page_token
        return people


@contextmanager
def open_office(stats_address: str, internal_token: str) -> Iterator[ReconciliationOffice]:
    """Opens the office of the service at `host:port`. Raises CallFailedError for every failed call."""
    with open_admin_channel("stats", stats_address) as channel:
        yield ReconciliationOffice(channel, internal_token)
