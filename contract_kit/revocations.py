"""Asks the identity service which access tokens were ended."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Protocol

import grpc
from practice.identity.v1 import revocation_service_pb2 as pb
from practice.identity.v1.revocation_service_pb2_grpc import RevocationServiceStub

from service_kit.errors import UnavailableError
from service_kit.grpc.channels import INTERNAL_KEY, open_channel
from service_kit.periodic import repeating
from service_kit.revocations import ASK_EVERY_SECONDS, Revocation, RevocationPoller, Revocations

_DEADLINE_SECONDS = 2.0


class Settings(Protocol):
    """Whom to ask, and how to show who asks."""

    @property
    def identity_address(self) -> str:
        """Where the identity service is, empty when there is none."""

    def internal_token(self) -> str:
        """Returns the secret of service-to-service calls."""


@asynccontextmanager
async def polling_revocations(settings: Settings, table: Revocations) -> AsyncIterator[None]:
    """Keeps a table up to date for the duration of a block, which begins once it is, or after a while.

    Does nothing where no identity service is set: its tokens run out by themselves.
    """
    if not settings.identity_address:
        yield
        return
    channel = open_channel(settings.identity_address)
    try:
        poll = RevocationPoller(table, RevocationList(channel, settings.internal_token()))
        await poll()
        async with repeating(poll, ASK_EVERY_SECONDS):
            yield
    finally:
        await channel.close()


class RevocationList:
    """Lists what was ended by practice.identity.v1.RevocationService."""

    def __init__(self, channel: grpc.aio.Channel, internal_token: str) -> None:
        self._stub = RevocationServiceStub(channel)
        self._metadata = ((INTERNAL_KEY, internal_token),)

    async def __call__(self, since: datetime | None) -> Sequence[Revocation]:
        """Reads all pages. Raises UnavailableError."""
        revocations: list[Revocation] = []
        request = pb.ListRevocationsRequest()
        if since is not None:
            request.since.FromDatetime(since)
        while True:
            page = await self._page(request)
            revocations += map(_revocation_from_proto, page.revocations)
            if not page.next_page_token:
                return revocations
            request.page_token = page.next_page_token

    async def _page(self, request: pb.ListRevocationsRequest) -> pb.ListRevocationsResponse:
        try:
            page: pb.ListRevocationsResponse = await self._stub.ListRevocations(
                request, metadata=self._metadata, timeout=_DEADLINE_SECONDS, wait_for_ready=True
            )
        except grpc.aio.AioRpcError as error:
            raise UnavailableError(
                f"The identity service does not answer: {error.code().name}", part="identity"
            ) from error
        return page


def _revocation_from_proto(message: pb.Revocation) -> Revocation:
    return Revocation(message.user_id, message.generation, message.revoke_time.ToDatetime(UTC))
