"""Asks the stats service to derive people's progress anew, and how far it is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import grpc
from practice.stats.v1 import recalculation_service_pb2 as pb
from practice.stats.v1.recalculation_service_pb2_grpc import RecalculationAdminServiceStub

INTERNAL_HEADER = "x-practice-internal"
# Seconds for one call; the first one makes the shards.
DEADLINE = 30.0
LARGEST_PAGE = 1000


class RecalculationFailedError(Exception):
    """The stats service did not do what was asked; the message is one line for a person."""


class RecalculationOffice:
    """The stats service's RecalculationAdminService. Methods raise RecalculationFailedError."""

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
    """Opens the office of the service at `host:port`. Raises RecalculationFailedError for failed calls."""
    # The service is inside the platform's own network, never behind a proxy for the outside.
    with grpc.insecure_channel(stats_address, options=[("grpc.enable_http_proxy", 0)]) as channel:
        try:
            yield RecalculationOffice(channel, internal_token)
        except grpc.RpcError as error:
            # What a client call raises is the call itself, which knows its status.
            reason = f"{error.code().name}: {error.details()}" if isinstance(error, grpc.Call) else str(error)
            raise RecalculationFailedError(f"the stats service at {stats_address}: {reason}") from error
