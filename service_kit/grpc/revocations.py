"""Asks the identity service which access tokens were ended.

The kit knows no contract: who asks brings the stub and the request.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, Protocol

import grpc

from service_kit.errors import UnavailableError
from service_kit.grpc.channels import open_channel
from service_kit.grpc.guards import INTERNAL_KEY
from service_kit.periodic import repeating
from service_kit.revocations import Following, Revocation, Revocations

ASK_EVERY_SECONDS = 1.0
_PATIENCE_SECONDS = 2.0


StubType = Callable[[grpc.aio.Channel], Any]


class Settings(Protocol):
    """Whom to ask, and how to show who asks."""

    @property
    def identity_address(self) -> str:
        """Where the identity service is, empty when there is none."""

    def internal_token(self) -> str:
        """Returns the secret of service-to-service calls."""


@asynccontextmanager
async def following(
    settings: Settings, table: Revocations, stub_type: StubType, request_type: Callable[[], Any]
) -> AsyncIterator[None]:
    """Keeps a table up to date for the duration of a block, which begins once it is, or after a while.

    Does nothing where no identity service is set: its tokens run out by themselves.
    """
    if not settings.identity_address:
        yield
        return
    channel = open_channel(settings.identity_address)
    try:
        listed = RevocationList(stub_type(channel), request_type, settings.internal_token())
        follow = Following(table, listed)
        await follow()
        async with repeating(follow, ASK_EVERY_SECONDS):
            yield
    finally:
        await channel.close()


class RevocationList:
    """Implements service_kit.revocations.ListRevocations over practice.identity.v1.RevocationService."""

    def __init__(self, stub: Any, request_type: Callable[[], Any], internal_token: str) -> None:
        self._stub = stub
        self._request_type = request_type
        self._metadata = ((INTERNAL_KEY, internal_token),)

    async def __call__(self, since: datetime | None) -> Sequence[Revocation]:
        """Reads all pages. Raises UnavailableError."""
        found: list[Revocation] = []
        request = self._request_type()
        if since is not None:
            request.since.FromDatetime(since)
        while True:
            page = await self._page(request)
            found += map(_revocation, page.revocations)
            if not page.next_page_token:
                return found
            request.page_token = page.next_page_token

    async def _page(self, request: Any) -> Any:
        try:
            return await self._stub.ListRevocations(
                request, metadata=self._metadata, timeout=_PATIENCE_SECONDS, wait_for_ready=True
            )
        except grpc.aio.AioRpcError as error:
            raise UnavailableError(
                f"The identity service does not answer: {error.code().name}", part="identity"
            ) from error


def _revocation(message: Any) -> Revocation:
    return Revocation(message.user_id, message.generation, message.revoke_time.ToDatetime(UTC))
