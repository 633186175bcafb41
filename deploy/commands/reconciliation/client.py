"""Asks the stats service to compare what it has with what happened, and to heal what differs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import grpc
from practice.stats.v1 import reconciliation_service_pb2 as pb
from practice.stats.v1.reconciliation_service_pb2_grpc import ReconciliationAdminServiceStub

INTERNAL_HEADER = "x-practice-internal"
# Seconds for one call.
DEADLINE = 10.0
_LARGEST_PAGE = 1000


class ReconciliationFailedError(Exception):
    """The stats service did not do what was asked; the message is one line for a person."""


class ReconciliationOffice:
    """The stats service's ReconciliationAdminService. Methods raise ReconciliationFailedError."""

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
    """Opens the office of the service at `host:port`; a failed call raises ReconciliationFailedError."""
    # The service is inside the platform's own network, never behind a proxy for the outside.
    with grpc.insecure_channel(stats_address, options=[("grpc.enable_http_proxy", 0)]) as channel:
        try:
            yield ReconciliationOffice(channel, internal_token)
        except grpc.RpcError as error:
            # What a client call raises is the call itself, which knows its status.
            reason = f"{error.code().name}: {error.details()}" if isinstance(error, grpc.Call) else str(error)
            raise ReconciliationFailedError(f"the stats service at {stats_address}: {reason}") from error
