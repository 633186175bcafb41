"""A bridge in this process between a real WebSocket client and a made-up session service."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Origin, Subprotocol

from gateway.bridge.main import serving
from gateway.bridge.processes import Processes
from gateway.bridge.settings import BridgeSettings
from gateway.openapi.live import PORTAL_CHANNEL
from tests.described import check_message
from tests.gateway.bridge.portal import FakePortal, serving_portal
from tests.tokens import TestTokens

OWNER = 42
SESSION = "7"


class Client:
    """Opens WebSockets at one address."""

    def __init__(self, address: str, token: str) -> None:
        self.address = address
        self.url = f"ws://{address}/portal/ws/sessions/{SESSION}"
        self.token = token

    def connect(
        self, url: str = "", *, token: str | None = None, address: str = "", **options: Any
    ) -> connect:
        """Connects with the token in the header; with an empty one, without the header.

        `address` is what the gateway says of the client.
        """
        token = self.token if token is None else token
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        if address:
            headers["X-Practice-Client-Address"] = address
        return connect(url or self.url, additional_headers=headers, proxy=None, compression=None, **options)

    def connect_as_browser(self, token: str, origin: str | None = None) -> connect:
        """Connects with the token as a subprotocol: a browser cannot set headers."""
        offered = [Subprotocol("bearer"), Subprotocol(token)]
        return self.connect(token="", subprotocols=offered, origin=Origin(origin) if origin else None)


def read_event(text: str | bytes) -> Any:
    """Returns an event, which has to be as the description of live events says."""
    event = json.loads(text)
    check_message(PORTAL_CHANNEL, event["type"], event)
    return event


async def events(websocket: ClientConnection, count: int) -> list[Any]:
    """Receives that many events."""
    return [read_event(await websocket.recv()) for _ in range(count)]


async def rest(websocket: ClientConnection) -> list[Any]:
    """Receives everything up to a normal close."""
    return [read_event(event) async for event in websocket]


def completed(received: list[Any]) -> list[int]:
    """Returns the answers counted in the progress updates."""
    return [event["data"]["completed"] for event in received if event["type"] == "progress_update"]


@pytest.fixture
async def portal() -> FakePortal:
    portal = FakePortal()
    portal.begin(SESSION, OWNER)
    return portal


RunBridge = Callable[..., AbstractAsyncContextManager[Client]]


@pytest.fixture
def run_bridge(portal: FakePortal, tokens: TestTokens) -> RunBridge:
    """Runs a bridge with other settings for the duration of a block. Its clock ticks every hour."""

    @asynccontextmanager
    async def run_bridge(processes: Processes | None = None, **changes: Any) -> AsyncIterator[Client]:
        async with serving_portal(portal) as address:
            settings = {
                "listen": "127.0.0.1:0",
                "session_address": address,
                "jwks_uri": tokens.jwks_uri,
                "cors_origins": "*",
                "bridge_tick_seconds": 3600,
                "shutdown_grace_seconds": 1,
            }
            async with serving(BridgeSettings(**{**settings, **changes}), processes) as port:
                yield Client(f"127.0.0.1:{port}", tokens.issue(OWNER))

    return run_bridge


@pytest.fixture
async def bridge(run_bridge: RunBridge) -> AsyncIterator[Client]:
    async with run_bridge() as client:
        yield client


class Listeners:
    """Listeners of as many learners, each with a session that has the learner's number."""

    def __init__(self, portal: FakePortal, tokens: TestTokens, stack: AsyncExitStack) -> None:
        # All that know of the sessions.
        self.portals = [portal]
        self._tokens = tokens
        self._stack = stack
        self.sockets: dict[int, ClientConnection] = {}

    async def connect(self, client: Client, *owners: int) -> None:
        for owner in owners:
            for portal in self.portals:
                portal.begin(str(owner), owner)
            opening = client.connect(client.url[:-1] + str(owner), token=self._tokens.issue(owner))
            self.sockets[owner] = await self._stack.enter_async_context(opening)
            await events(self.sockets[owner], 2)

    def answer_all(self, times: int = 1) -> None:
        for owner in self.sockets:
            for portal in self.portals:
                portal.answer(str(owner), times)

    async def completed(self, count: int) -> list[list[int]]:
        told = await asyncio.gather(*(events(socket, count) for socket in self.sockets.values()))
        return [completed(each) for each in told]


@pytest.fixture
async def listeners(portal: FakePortal, tokens: TestTokens) -> AsyncIterator[Listeners]:
    async with AsyncExitStack() as stack:
        yield Listeners(portal, tokens, stack)
