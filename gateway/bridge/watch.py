"""A session's updates from the session service, across its restarts."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import grpc
from practice.products.portal.v1.portal_service_pb2 import LiveUpdate, WatchSessionRequest

from service_kit.grpc.targets import in_turn, target
from service_kit.logging import get_logger

if TYPE_CHECKING:
    from practice.products.portal.v1.portal_service_pb2_grpc import PortalLiveServiceAsyncStub

# The service answered, and would answer the same again.
FINAL = frozenset(
    {
        grpc.StatusCode.NOT_FOUND,
        grpc.StatusCode.PERMISSION_DENIED,
        grpc.StatusCode.UNAUTHENTICATED,
        grpc.StatusCode.INVALID_ARGUMENT,
        grpc.StatusCode.UNIMPLEMENTED,
    }
)
_FIRST_WAIT_SECONDS = 0.1
_LONGEST_WAIT_SECONDS = 3.0

log = get_logger(__name__)


def open_channel(address: str) -> grpc.aio.Channel:
    """Returns a channel that soon tries again. Connects on first use."""
    return grpc.aio.insecure_channel(
        target(address),
        options=[
            ("grpc.service_config", json.dumps(in_turn(address))),
            # The watch has its own, which knows where it was.
            ("grpc.enable_retries", 0),
            ("grpc.initial_reconnect_backoff_ms", 100),
            ("grpc.min_reconnect_backoff_ms", 1_000),
            ("grpc.max_reconnect_backoff_ms", 2_000),
            # Finds a dead connection while nobody answers anything.
            ("grpc.keepalive_time_ms", 10_000),
            ("grpc.http2.ping_timeout_ms", 5_000),
        ],
    )


class StreamEndedError(Exception):
    """The service ended the stream before the session's end."""


@dataclass(frozen=True, slots=True)
class Listener:
    """Who listens to which session: the bearer of an access token."""

    session_id: str
    token: str
    request_id: str

    def metadata(self) -> tuple[tuple[str, str], ...]:
        """Returns what makes the session service take the bridge for the learner."""
        bearer = ("authorization", f"Bearer {self.token}")
        return (bearer, ("x-request-id", self.request_id)) if self.request_id else (bearer,)


class Watch:
    """One listener's stream. Open it, iterate over `updates`, close it.

    A stream that breaks is opened again after the last update seen, as often
    as it takes. The service sends everything after that update and no present
    state, so nothing is lost and nothing comes twice.
    """

    def __init__(self, service: PortalLiveServiceAsyncStub, listener: Listener) -> None:
        self._service = service
        self._listener = listener
        self._cursor = 0
        self._call: Any = None
        self._closed = False

    async def open(self) -> LiveUpdate:
        """Returns the present state. Raises AioRpcError when the service refuses or does not answer."""
        self._start()
        return await self._next()

    async def updates(self) -> AsyncIterator[LiveUpdate]:
        """Yields what happens after that, until the session's end or `close`.

        Raises AioRpcError once the service refuses for good.
        """
        wait = _FIRST_WAIT_SECONDS
        resumed_after = 0
        while not self._closed:
            try:
                update = await self._next()
            except (grpc.aio.AioRpcError, StreamEndedError) as error:
                if self._closed:
                    return
                if isinstance(error, grpc.aio.AioRpcError) and error.code() in FINAL:
                    raise
                log.warning("watch_broke", session=self._listener.session_id, error=_name(error))
                await asyncio.sleep(wait * random.uniform(0.5, 1.0))  # noqa: S311 - no secret
                wait = min(wait * 2, _LONGEST_WAIT_SECONDS)
                resumed_after = self._cursor
                self._start()
                continue
            wait = _FIRST_WAIT_SECONDS
            if update.cursor <= resumed_after:
                continue
            yield update
            if update.ended:
                return

    def close(self) -> None:
        """Ends the stream. Safe to call again."""
        self._closed = True
        if self._call is not None:
            self._call.cancel()

    def _start(self) -> None:
        if self._closed:
            return
        request = WatchSessionRequest(session_id=self._listener.session_id, cursor=self._cursor)
        self._call = self._service.WatchSession(request, metadata=self._listener.metadata())

    async def _next(self) -> LiveUpdate:
        try:
            update = await self._call.read()
        except asyncio.CancelledError:
            # Closing cancels the call, and so whoever reads from it.
            if self._closed:
                raise StreamEndedError from None
            raise
        if update is grpc.aio.EOF:
            raise StreamEndedError
        assert isinstance(update, LiveUpdate)
        self._cursor = max(self._cursor, update.cursor)
        return update


def _name(error: Exception) -> str:
    return error.code().name if isinstance(error, grpc.aio.AioRpcError) else "stream ended"
