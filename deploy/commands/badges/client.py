"""Asks the stats service what badges there are, and who would have a new one."""

from __future__ import annotations

from collections.abc import Iterator

import grpc
from google.protobuf.json_format import ParseDict
from practice.stats.v1 import badge_service_pb2 as pb
from practice.stats.v1 import progress_pb2
from practice.stats.v1.badge_service_pb2_grpc import BadgeAdminServiceStub

from deploy.commands.admin_client import AdminClient
from deploy.commands.content.files import Entry


class BadgeAdminClient(AdminClient):
    """The stats service's BadgeAdminService."""

    service = "stats"
    # Seconds for one call; a page of a dry run takes about one.
    deadline = 15.0

    def __init__(self, channel: grpc.Channel, internal_token: str) -> None:
        super().__init__(channel, internal_token)
        self._stub = BadgeAdminServiceStub(channel)

    def versions(self, *, newest_only: bool) -> Iterator[pb.BadgeVersion]:
        """Yields the versions of every badge, by id and version."""
        request = pb.ListBadgeDefinitionsRequest(newest_only=newest_only)
        for page in self._pages(self._stub.ListBadgeDefinitions, request):
            yield from page.versions

    def dry_run(self, badge: Entry) -> Iterator[pb.DryRunBadgeResponse]:
        """Returns what becomes of a badge with the message fields of an entry, learners after learners."""
        definition = ParseDict(dict(badge), progress_pb2.BadgeDefinition())
        request = pb.DryRunBadgeRequest(badge_definition=definition)
        return self._pages(self._stub.DryRunBadge, request)
