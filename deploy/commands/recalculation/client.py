"""Asks the stats service to derive learners' progress anew, and how far it is."""

from __future__ import annotations

from collections.abc import Sequence

import grpc
from practice.stats.v1 import recalculation_service_pb2 as pb
from practice.stats.v1.recalculation_service_pb2_grpc import RecalculationAdminServiceStub

from deploy.commands.admin_client import AdminClient


class RecalculationAdminClient(AdminClient):
    """The stats service's RecalculationAdminService."""

    service = "stats"
    # Seconds for one call; the first one makes the shards.
    deadline = 30.0

    def __init__(self, channel: grpc.Channel, internal_token: str) -> None:
        super().__init__(channel, internal_token)
        self._stub = RecalculationAdminServiceStub(channel)

    def start(self, request: pb.StartRecalculationRequest) -> pb.Recalculation:
        """Starts a job."""
        return self._call(self._stub.StartRecalculation, request)

    def state(self, job_id: str) -> pb.Recalculation:
        """Returns a job, the newest for an empty id."""
        request = pb.GetRecalculationRequest(job_id=job_id)
        return self._call(self._stub.GetRecalculation, request)

    def later(self, job_id: str) -> pb.Recalculation:
        """Returns a job that is watched: a service that starts anew meanwhile is waited for."""
        request = pb.GetRecalculationRequest(job_id=job_id)
        return self._call(self._stub.GetRecalculation, request, wait_for_ready=True)

    def cancel(self, job_id: str) -> pb.Recalculation:
        """Ends a job's work."""
        request = pb.CancelRecalculationRequest(job_id=job_id)
        return self._call(self._stub.CancelRecalculation, request)

    def resume(self, job_id: str) -> pb.Recalculation:
        """Goes on with a job."""
        request = pb.ResumeRecalculationRequest(job_id=job_id)
        return self._call(self._stub.ResumeRecalculation, request)

    def differences(self, job_id: str, limit: int) -> Sequence[pb.UserDifference]:
        """Returns at most `limit` learners with differences, by number."""
        request = pb.ListRecalculationDifferencesRequest(job_id=job_id)
        method = self._stub.ListRecalculationDifferences
        return self._list(method, request, lambda page: page.user_differences, limit)
