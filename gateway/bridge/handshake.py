"""Decides who may listen, before the WebSocket opens.

Nobody hears of a session before the session service has shown its present
state to their own token.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Any
from urllib.parse import urlsplit

import grpc
import structlog
from practice.products.portal.v1.portal_service_pb2_grpc import PortalLiveServiceStub
from websockets.asyncio.server import ServerConnection
from websockets.datastructures import Headers
from websockets.exceptions import InvalidHeader
from websockets.headers import parse_subprotocol
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from gateway.bridge.admission import Admission, Full, UserFull
from gateway.bridge.connection import Audience, LiveConnection
from gateway.bridge.refusals import answer, from_service, refuse, session_not_found, too_many_of_one
from gateway.bridge.settings import BridgeSettings
from gateway.bridge.watch import Listener, StreamEndedError, Watch
from service_kit.errors import UnauthenticatedError, UnavailableError
from service_kit.tokens import Identity, TokenVerifier

BEARER = Subprotocol("bearer")
_PATH = re.compile(r"/portal/ws/sessions/([^/]+)/?")
# Seconds after which somebody with too many connections may try again.
_RETRY_SECONDS = 10

log = structlog.get_logger(__name__)


class Handshake:
    """Answers opening requests; what it lets in has its `audience` and `first` update."""

    def __init__(
        self, settings: BridgeSettings, verifier: TokenVerifier, service: PortalLiveServiceStub[Any]
    ) -> None:
        self._settings = settings
        self._verifier = verifier
        self._service = service
        self._admission = Admission(settings.bridge_max_connections, settings.bridge_max_connections_per_user)

    async def __call__(self, connection: ServerConnection, request: Request) -> Response | None:
        """Returns a refusal, the answer to a health check, or None to go on."""
        assert isinstance(connection, LiveConnection)
        path = urlsplit(request.path).path
        if path == "/health":
            return answer(200, {"status": "ok"})
        found = _PATH.fullmatch(path)
        if found is None:
            return refuse(404)
        headers = request.headers
        if "websocket" not in ",".join(headers.get_all("Upgrade")).lower():
            return refuse(426)
        if not all(self._settings.allows(origin) for origin in headers.get_all("Origin")):
            return refuse(403)
        token = bearer_token(headers)
        try:
            identity = await self._verifier.verify(token)
        except UnauthenticatedError:
            return refuse(401)
        except UnavailableError:
            return refuse(503)
        request_id = (headers.get_all("X-Request-Id") or [""])[0]
        return await self._admit(
            connection, identity, Listener(identity.user_id, found[1], token, request_id)
        )

    async def _admit(
        self, connection: LiveConnection, identity: Identity, listener: Listener
    ) -> Response | None:
        try:
            self._admission.enter(identity.user_id)
        except UserFull:
            return too_many_of_one(_RETRY_SECONDS)
        except Full:
            log.warning("bridge_full", limit=self._settings.bridge_max_connections)
            return refuse(503)
        watch = Watch(self._service, listener)
        # From here on the connection gives the place back when it is lost, however that happens.
        connection.audience = Audience(
            watch, identity.expires_at, leave=lambda: self._admission.leave(identity.user_id)
        )
        try:
            async with asyncio.timeout(self._settings.bridge_open_seconds):
                connection.first = await watch.open()
        except grpc.aio.AioRpcError as error:
            return from_service(error, listener.session_id)
        except StreamEndedError:
            return session_not_found(listener.session_id)
        except TimeoutError:
            return refuse(503)
        return None


def bearer_token(headers: Headers) -> str:
    """Returns the token in the Authorization header, else in the subprotocols; empty without one."""
    for value in headers.get_all("Authorization"):
        scheme, _, token = value.partition(" ")
        return token.strip() if scheme.lower() == "bearer" else ""
    try:
        offered = [
            each for value in headers.get_all("Sec-WebSocket-Protocol") for each in parse_subprotocol(value)
        ]
    except InvalidHeader:
        return ""
    return next((str(token) for scheme, token in pairwise(offered) if scheme == BEARER), "")


def select_subprotocol(_: ServerConnection, offered: Sequence[Subprotocol]) -> Subprotocol | None:
    """Returns the one subprotocol there is, when it was offered. A token is never echoed."""
    return BEARER if BEARER in offered else None
