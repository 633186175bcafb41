"""Asks the stats service what badges there are, and who would have a new one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import grpc
from google.protobuf.json_format import ParseDict
from practice.stats.v1 import badge_service_pb2 as pb
from practice.stats.v1 import progress_pb2
from practice.stats.v1.badge_service_pb2_grpc import BadgeAdminServiceStub

from deploy.commands.admin_calls import INTERNAL_HEADER, open_admin_channel
from deploy.commands.content.files import Entry

# Seconds for one call; a page of a dry run takes about one.
DEADLINE = 15.0


class BadgeOffice:
    """The stats service's BadgeAdminService. Methods raise CallFailedError."""

    def __init__(self, channel: grpc.Channel, internal_token: str) -> None:
        self._stub = BadgeAdminServiceStub(channel)
        self._metadata = ((INTERNAL_HEADER, internal_token),)

    def versions(self, *, newest_only: bool) -> Iterator[pb.BadgeVersion]:
        """Yields the versions of every badge, by id and version."""
        request = pb.ListBadgeDefinitionsRequest(newest_only=newest_only)
        while True:
            page = self._stub.ListBadgeDefinitions(request, timeout=DEADLINE, metadata=self._metadata)
            yield from page.versions
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token

    def dry_run(self, badge: Entry) -> Iterator[pb.DryRunBadgeResponse]:
        """Yields what becomes of a badge with the message fields of an entry, people after people."""
        definition = ParseDict(dict(badge), progress_pb2.BadgeDefinition())
        request = pb.DryRunBadgeRequest(badge_definition=definition)
        while True:
            page = self._stub.DryRunBadge(request, timeout=DEADLINE, metadata=self._metadata)
            yield page
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token


@contextmanager
def open_office(stats_address: str, internal_token: str) -> Iterator[BadgeOffice]:
    """Opens the office of the service at `host:port`. Raises CallFailedError for every failed call."""
    with open_admin_channel("stats", stats_address) as channel:
        yield BadgeOffice(channel, internal_token)
