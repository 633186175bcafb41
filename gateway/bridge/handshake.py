"""Decides who may listen, before the WebSocket opens.

Nobody hears of a session before the session service has shown its present
state to their own token.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from functools import partial
from ipaddress import ip_network
from itertools import pairwise
from urllib.parse import urlsplit

from practice.products.portal.v1.portal_service_pb2 import LiveUpdate
from websockets.asyncio.server import ServerConnection
from websockets.datastructures import Headers
from websockets.exceptions import InvalidHeader
from websockets.headers import parse_subprotocol
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from gateway.bridge.admission import Admission, TooManyError, TooManyOfOneError
from gateway.bridge.connection import Audience, LiveConnection
from gateway.bridge.refusals import RefusedError, answer, from_service, refusal, too_many_of_one
from gateway.bridge.settings import BridgeSettings
from gateway.bridge.watch import Listener, Upstream, Watch, WatchRefusedError
from service_kit.errors import UnauthenticatedError, UnavailableError
from service_kit.logging import get_logger
from service_kit.tokens import Identity, TokenVerifier

# Set by the gateway, which takes it away from whoever else sends it.
_CLIENT_ADDRESS = "X-Practice-Client-Address"
BEARER = Subprotocol("bearer")
_PATH = re.compile(r"/portal/ws/sessions/([^/]+)/?")
# Seconds after which somebody with too many connections may try again.
_RETRY_SECONDS = 10

log = get_logger(__name__)


class Handshake:
    """Answers opening requests; what it lets in has its `audience` and `first` update."""

    def __init__(self, settings: BridgeSettings, verifier: TokenVerifier, upstream: Upstream) -> None:
        self._settings = settings
        self._verifier = verifier
        self._upstream = upstream
        self._admission = Admission(settings.places())

    async def __call__(self, connection: ServerConnection, request: Request) -> Response | None:
        """Returns a refusal, the answer to a health check, or None to go on."""
        assert isinstance(connection, LiveConnection)
        if urlsplit(request.path).path == "/health":
            return answer(200, {"status": "ok"})
        try:
            await self._admit(connection, request)
        except RefusedError as refused:
            return refused.response
        return None

    async def _admit(self, connection: LiveConnection, request: Request) -> None:
        session_id = self._session_asked_for(request)
        token = bearer_token(request.headers)
        identity = await self._identify(token)
        try:
            place = self._admission.enter(
                identity.user_id, _address(connection, request), connection.give_way
            )
        except TooManyOfOneError as error:
            raise too_many_of_one(error.limit, _RETRY_SECONDS) from None
        except TooManyError:
            log.warning("bridge_full", limit=self._settings.bridge_max_connections)
            raise refusal(503) from None
        request_id = next(iter(request.headers.get_all("X-Request-Id")), "")
        watch = Watch(self._upstream, Listener(session_id, token, request_id))
        # From here on the connection gives the place back when it is lost, however that happens.
        leave = partial(self._admission.leave, place)
        connection.audience = Audience(watch, identity.expires_at, leave)
        connection.patience = self._settings.bridge_send_seconds
        connection.first = await self._first_update(watch, session_id)

    def _session_asked_for(self, request: Request) -> str:
        """Returns the session's id. Raises RefusedError for what is no opening of a WebSocket to one."""
        found = _PATH.fullmatch(urlsplit(request.path).path)
        if found is None:
            raise refusal(404)
        if "websocket" not in ",".join(request.headers.get_all("Upgrade")).lower():
            raise refusal(426)
        if not all(self._settings.allows(origin) for origin in request.headers.get_all("Origin")):
            raise refusal(403)
        return found[1]

    async def _identify(self, token: str) -> Identity:
        try:
            return await self._verifier.verify(token)
        except UnauthenticatedError:
            raise refusal(401) from None
        except UnavailableError:
            raise refusal(503) from None

    async def _first_update(self, watch: Watch, session_id: str) -> LiveUpdate:
        try:
            async with asyncio.timeout(self._settings.bridge_open_seconds):
                return await watch.open()
        except WatchRefusedError as error:
            raise from_service(error.code, session_id) from None
        except TimeoutError:
            raise refusal(503) from None


def _address(connection: ServerConnection, request: Request) -> str:
    """Returns the client's address as the gateway saw it, or the peer's where there is no gateway.

    Of IPv6 the first 64 bits: whoever has one address of such a network has all.
    """
    told = next(iter(request.headers.get_all(_CLIENT_ADDRESS)), "")
    address = told or str((connection.remote_address or ("",))[0])
    try:
        return str(ip_network(f"{address}/64", strict=False)) if ":" in address else address
    except ValueError:
        return address


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
