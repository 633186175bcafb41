"""Asks the stats service to derive people's progress anew, and how far it is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import grpc
from practice.stats.v1 import recalculation_service_pb2 as pb
from practice.stats.v1.recalculation_service_pb2_grpc import RecalculationAdminServiceStub

from deploy.commands.admin_calls import INTERNAL_HEADER, open_admin_channel

# Seconds for one call; the first one makes the shards.
DEADLINE = 30.0
LARGEST_PAGE = 1000


class RecalculationOffice:
    """The stats service's RecalculationAdminService. Methods raise CallFailedError."""

    def __init__(self, channel: grpc.Channel, internal_token: str) -> None:
        self._stub = RecalculationAdminServiceStub(channel)
        self._metadata = ((INTERNAL_HEADER, internal_token),)

    def start(self, request: pb.StartRecalculationRequest) -> pb.Recalculation:
        """Starts a job."""
        return self._stub.StartRecalculation(request, timeout=DEADLINE, metadata=self._metadata)

    def state(self, job_id: str) -> pb.Recalculation:
        """Returns a job, the newest for an empty id."""
        request = pb.GetRecalculationRequest(job_id=job_id)
        return self._stub.GetRecalculation(request, timeout=DEADLINE, metadata=self._metadata)

    def later(self, job_id: str) -> pb.Recalculation:
        """Returns a job that is watched: a service that starts anew meanwhile is waited for."""
        request = pb.GetRecalculationRequest(job_id=job_id)
        return self._stub.GetRecalculation(
            request, timeout=DEADLINE, metadata=self._metadata, wait_for_ready=True
        )

    def cancel(self, job_id: str) -> pb.Recalculation:
        """Ends a job's work."""
        request = pb.CancelRecalculationRequest(job_id=job_id)
        return self._stub.CancelRecalculation(request, timeout=DEADLINE, metadata=self._metadata)

    def resume(self, job_id: str) -> pb.Recalculation:
        """Goes on with a job."""
        request = pb.ResumeRecalculationRequest(job_id=job_id)
        return self._stub.ResumeRecalculation(request, timeout=DEADLINE, metadata=self._metadata)

    def differences(self, job_id: str, limit: int) -> Sequence[pb.UserDifference]:
        """Returns at most `limit` people with differences, by number."""
        found: list[pb.UserDifference] = []
        request = pb.ListRecalculationDifferencesRequest(job_id=job_id)
        while len(found) < limit:
            request.page_size = min(limit - len(found), LARGEST_PAGE)
            page = self._stub.ListRecalculationDifferences(request, timeout=DEADLINE, metadata=self._metadata)
            found += page.user_differences
            if not page.next_page_token:
                break
            request.page_token = page.next_page_token
        return found


@contextmanager
def open_office(stats_address: str, internal_token: str) -> Iterator[RecalculationOffice]:
    """Opens the office of the service at `host:port`. Raises CallFailedError for every failed call."""
    with open_admin_channel("stats", stats_address) as channel:
        yield RecalculationOffice(channel, internal_token)
