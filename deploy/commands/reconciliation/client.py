"""Asks the stats service to compare what it has with what happened, and to heal what differs."""

from __future__ import annotations

from collections.abc import Sequence

import grpc
from practice.stats.v1 import reconciliation_service_pb2 as pb
from practice.stats.v1.reconciliation_service_pb2_grpc import ReconciliationAdminServiceStub

from deploy.commands.admin_client import AdminClient


class ReconciliationAdminClient(AdminClient):
    """The stats service's ReconciliationAdminService."""

    service = "stats"

    def __init__(self, channel: grpc.Channel, internal_token: str) -> None:
        super().__init__(channel, internal_token)
        self._stub = ReconciliationAdminServiceStub(channel)

    def start(self, request: pb.StartReconciliationRequest) -> pb.Reconciliation:
        """Starts a run, or goes on with one that asks for the same."""
        return self._call(self._stub.StartReconciliation, request)

    def get(self, run_id: str) -> pb.Reconciliation:
        """Returns a run as it is now, the newest when none is named."""
        request = pb.GetReconciliationRequest(run_id=run_id)
        return self._call(self._stub.GetReconciliation, request)

    def learners(self, run_id: str, limit: int) -> Sequence[pb.ReconciledLearner]:
        """Returns at most `limit` learners who differed, by number."""
        request = pb.ListReconciledLearnersRequest(run_id=run_id)
        return self._list(self._stub.ListReconciledLearners, request, lambda page: page.learners, limit)
