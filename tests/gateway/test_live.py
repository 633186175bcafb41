"""Live sessions through the gateway: Envoy, the bridge's own process, a real WebSocket client."""

from __future__ import annotations

import asyncio
import itertools
import json
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus
from websockets.frames import CloseCode
from websockets.typing import Subprotocol

from gateway.bridge.main import serving
from gateway.bridge.settings import BridgeSettings
from tests.gateway.bridge.conftest import read_event
from tests.gateway.bridge.portal import FakePortal
from tests.gateway.edge import Edge, free_port
from tests.gateway.upstream import Upstream
from tests.tokens import TestTokens
from tests.waiting import PATIENCE_SECONDS, until

OWNER = 42
UNAUTHORIZED = {"error": "unauthorized", "message": "A valid access token is required"}
UNAVAILABLE = {"error": "service_unavailable", "message": "Service temporarily unavailable; try again"}
_numbers = itertools.count(1)


@pytest.fixture
def portal(upstream: Upstream) -> FakePortal:
    upstream.portal.requests.clear()
    upstream.portal.metadata.clear()
    return upstream.portal


@pytest.fixture
def session(portal: FakePortal) -> str:
    session = f"{next(_numbers)}"
    portal.begin(session, OWNER, elapsed=100)
    return session


def listen(edge: Edge, session: str, token: str = "", **options: Any) -> connect:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    headers |= options.pop("headers", {})
    url = f"{edge.url.replace('http', 'ws', 1)}/portal/ws/sessions/{session}"
    return connect(url, additional_headers=headers, proxy=None, compression=None, **options)


async def next_event(websocket: ClientConnection, kind: str) -> Any:
    """Receives until an event of this kind and returns what it tells."""
    while True:
        event = read_event(await asyncio.wait_for(websocket.recv(), PATIENCE_SECONDS))
        if event["type"] == kind:
            return event["data"]


async def refusal(opening: connect) -> tuple[int, Any, Any]:
    with pytest.raises(InvalidStatus) as raised:
        await opening
    response = raised.value.response
    assert not [name for name in response.headers if name.lower().startswith(("x-practice-status", "grpc-"))]
    assert response.headers["x-practice-reason"]
    return response.status_code, json.loads(response.body or b""), response.headers


async def test_a_session_is_followed_from_its_present_state_to_its_end(
    edge: Edge, portal: FakePortal, session: str, tokens: TestTokens
) -> None:
    portal.answer(session, 2)
    async with listen(edge, session, tokens.issue(OWNER)) as websocket:
        first, second = [read_event(await websocket.recv()) for _ in range(2)]
        assert (first["type"], first["data"]["completed"]) == ("progress_update", 2)
        assert second == {"type": "time_update", "data": {"elapsed": 100, "remaining": 500}}
        portal.answer(session, 3)
        counted = [(await next_event(websocket, "progress_update"))["completed"] for _ in range(3)]
        assert counted == [3, 4, 5]
        # The default: a second between two ticks.
        assert await next_event(websocket, "time_update") == {"elapsed": 101, "remaining": 499}
        await asyncio.wait_for(await websocket.ping(), PATIENCE_SECONDS)
        portal.end(session, elapsed=102)
        told = await next_event(websocket, "session_complete")
        assert told == {"success_rate": 1.0, "duration": 102, "words_mastered": 5}
        await websocket.wait_closed()
        assert websocket.close_code == CloseCode.NORMAL_CLOSURE


async def test_a_browser_brings_its_token_as_a_subprotocol(
    edge: Edge, session: str, tokens: TestTokens
) -> None:
    offered = [Subprotocol("bearer"), Subprotocol(tokens.issue(OWNER))]
    async with listen(edge, f"{session}/", subprotocols=offered) as websocket:
        assert websocket.subprotocol == "bearer"
        assert (await next_event(websocket, "progress_update"))["completed"] == 0


async def test_no_token_a_bad_one_and_one_in_the_url_are_a_401(
    edge: Edge, portal: FakePortal, session: str, tokens: TestTokens
) -> None:
    good, bad = tokens.issue(OWNER), tokens.issue(OWNER, aud="practice-refresh")
    in_subprotocol = [Subprotocol("bearer"), Subprotocol(bad)]
    for opening in (
        listen(edge, session),
        listen(edge, session, bad),
        listen(edge, session, subprotocols=in_subprotocol),
        listen(edge, f"{session}?access_token={good}"),
    ):
        status, body, headers = await refusal(opening)
        assert (status, body) == (401, UNAUTHORIZED)
        assert headers["www-authenticate"] == "Bearer"
    assert not portal.requests
    assert good not in edge.log_text()


async def test_another_users_session_and_an_unknown_one_are_a_404(
    edge: Edge, session: str, tokens: TestTokens
) -> None:
    status, body, _ = await refusal(listen(edge, session, tokens.issue(43)))
    message = f"Session with ID '{session}' not found"
    assert (status, body) == (404, {"error": "session_not_found", "message": message})
    assert (await refusal(listen(edge, "nothing", tokens.issue(43))))[0] == 404


async def test_a_bridge_that_is_away_is_a_503_and_so_is_a_session_service(
    broken_edge: Edge, tokens: TestTokens
) -> None:
    token = tokens.issue(OWNER)
    assert (await refusal(listen(broken_edge, "1", token)))[:2] == (503, UNAVAILABLE)
    settings = BridgeSettings(
        listen=broken_edge.settings.bridge_address,
        session_address=f"127.0.0.1:{free_port()}",
        jwks_uri=tokens.jwks_uri,
        cors_origins="*",
    )
    async with serving(settings):
        assert (await refusal(listen(broken_edge, "1", token)))[:2] == (503, UNAVAILABLE)


async def test_what_is_no_websocket_gets_the_products_words(edge: Edge, session: str) -> None:
    plain = edge.call("GET", f"/portal/ws/sessions/{session}")
    assert (plain.status_code, plain.json()["error"]) == (426, "upgrade_required")
    assert edge.call("POST", f"/portal/ws/sessions/{session}").status_code == 405
    assert edge.call("GET", "/portal/ws/nothing").json() == {"error": "not_found", "message": "Not found"}
    upgrade = {"connection": "upgrade", "upgrade": "websocket", "sec-websocket-version": "13"}
    nonsense = edge.call("GET", f"/portal/ws/sessions/{session}", headers=upgrade)
    assert (nonsense.status_code, nonsense.json()["error"]) == (400, "invalid_request")


async def test_nothing_else_can_be_upgraded(edge: Edge, tokens: TestTokens, calls: list[Any]) -> None:
    headers = {"Authorization": f"Bearer {tokens.issue(OWNER)}"}
    for path in ("/v1/sessions/5", "/portal/api/v1/sessions/5"):
        url = edge.url.replace("http", "ws", 1) + path
        status, *_ = await refusal(connect(url, additional_headers=headers, proxy=None))
        assert status == 403
    assert not calls


async def test_the_session_service_learns_the_caller_and_the_request_and_nothing_else(
    edge: Edge, portal: FakePortal, session: str, tokens: TestTokens
) -> None:
    token = tokens.issue(OWNER)
    forged = {"x-practice-internal": "forged", "x-user-id": "1", "x-request-id": "live-1", "cookie": "a=b"}
    async with listen(edge, session, token, headers=forged) as websocket:
        await next_event(websocket, "time_update")
    (metadata,) = portal.metadata
    assert metadata["authorization"] == f"Bearer {token}"
    assert metadata["x-request-id"] == "live-1"
    assert set(metadata) == {"authorization", "x-request-id"}


async def test_a_client_that_comes_back_and_a_service_that_restarts_lose_nothing(
    edge: Edge, portal: FakePortal, session: str, tokens: TestTokens
) -> None:
    token = tokens.issue(OWNER)
    async with listen(edge, session, token) as websocket:
        await next_event(websocket, "time_update")
        portal.break_streams()
        portal.answer(session, 2)
        counted = [(await next_event(websocket, "progress_update"))["completed"] for _ in range(2)]
        assert counted == [1, 2]
    portal.answer(session)
    async with listen(edge, session, token) as websocket:
        assert (await next_event(websocket, "progress_update"))["completed"] == 3
    await until(lambda: portal.watching == 0)


async def test_a_long_quiet_connection_is_one_line_in_the_access_log(
    edge: Edge, session: str, tokens: TestTokens
) -> None:
    headers = {"x-request-id": f"quiet-{session}"}
    async with listen(edge, session, tokens.issue(OWNER), headers=headers) as websocket:
        await next_event(websocket, "time_update")
    path = f"/portal/ws/sessions/{session}"
    await until(lambda: any(line["path"] == path for line in edge.log_lines()))
    (line,) = [line for line in edge.log_lines() if line["path"] == path]
    assert (line["status"], line["upstream"]) == (101, "bridge")


def test_the_bridges_health_is_part_of_the_gateways(edge: Edge) -> None:
    assert httpx.get(f"http://{edge.settings.bridge_address}/health").json() == {"status": "ok"}
    assert edge.http.get("/health").status_code == 200
