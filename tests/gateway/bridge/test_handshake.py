"""Who may listen: decided before the WebSocket opens, and told in the portal's JSON."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest
from practice.errors.v1 import error_reason_pb2
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from tests.gateway.bridge.conftest import SESSION, Client, RunBridge, events
from tests.gateway.bridge.portal import FakePortal
from tests.gateway.edge import free_port
from tests.tokens import TestTokens
from tests.waiting import until

NOT_FOUND = {"error": "session_not_found", "message": f"Session with ID '{SESSION}' not found"}
UNAUTHORIZED = {"error": "unauthorized", "message": "A valid access token is required"}
UNAVAILABLE = {"error": "service_unavailable", "message": "Service temporarily unavailable; try again"}


class Refused:
    """A handshake's HTTP answer."""

    def __init__(self, error: InvalidStatus) -> None:
        self.status = error.response.status_code
        self.headers = error.response.headers
        self.body = json.loads(error.response.body or b"")
        assert f"ERROR_REASON_{self.headers['X-Practice-Reason']}" in error_reason_pb2.ErrorReason.keys()  # noqa: SIM118


async def refused(opening: connect) -> Refused:
    with pytest.raises(InvalidStatus) as raised:
        await opening
    return Refused(raised.value)


async def test_a_token_in_the_header_opens_it(bridge: Client, portal: FakePortal) -> None:
    async with bridge.connect() as websocket:
        assert [event["type"] for event in await events(websocket, 2)] == ["progress_update", "time_update"]
        assert websocket.subprotocol is None
    assert portal.metadata[0]["authorization"] == f"Bearer {bridge.token}"


async def test_a_token_as_a_subprotocol_opens_it_and_is_not_sent_back(bridge: Client) -> None:
    async with bridge.connect_as_browser(bridge.token, origin="https://app.example") as websocket:
        assert await events(websocket, 2)
        assert websocket.response is not None
        assert websocket.response.headers["Sec-WebSocket-Protocol"] == "bearer"


@pytest.mark.parametrize(
    "claims",
    [{"exp": int(time.time()) - 60}, {"aud": "practice-refresh"}, {"iss": "somebody"}, {"exp": None}],
    ids=["expired", "refresh", "issuer", "endless"],
)
async def test_a_token_for_something_else_is_a_401(
    bridge: Client, portal: FakePortal, tokens: TestTokens, claims: dict[str, Any]
) -> None:
    token = tokens.issue(42, **claims)
    for opening in (bridge.connect(token=token), bridge.connect_as_browser(token)):
        refusal = await refused(opening)
        assert (refusal.status, refusal.body) == (401, UNAUTHORIZED)
        assert refusal.headers["WWW-Authenticate"] == "Bearer"
        assert refusal.headers["Content-Type"] == "application/json"
    assert not portal.requests


async def test_no_token_is_a_401_and_one_in_the_url_is_none(bridge: Client, portal: FakePortal) -> None:
    assert (await refused(bridge.connect(token=""))).status == 401
    for name in ("access_token", "token", "bearer"):
        refusal = await refused(bridge.connect(f"{bridge.url}?{name}={bridge.token}", token=""))
        assert (refusal.status, refusal.body) == (401, UNAUTHORIZED)
    assert not portal.requests


async def test_an_unknown_session_and_another_users_look_the_same(
    bridge: Client, portal: FakePortal, tokens: TestTokens
) -> None:
    stranger = await refused(bridge.connect(token=tokens.issue(43)))
    assert (stranger.status, stranger.body) == (404, NOT_FOUND)
    assert stranger.headers["X-Practice-Reason"] == "SESSION_NOT_FOUND"
    portal.forget(SESSION)
    unknown = await refused(bridge.connect())
    assert (unknown.status, unknown.body) == (404, NOT_FOUND)
    long_id = await refused(bridge.connect(bridge.url + "x" * 2000))
    assert long_id.status == 404
    assert len(long_id.body["message"]) < 100


async def test_a_session_service_that_is_away_is_a_503(run_bridge: RunBridge) -> None:
    async with run_bridge(session_address=f"127.0.0.1:{free_port()}") as client:
        refusal = await refused(client.connect())
    assert (refusal.status, refusal.body) == (503, UNAVAILABLE)


async def test_a_session_service_that_says_nothing_is_a_503(
    run_bridge: RunBridge, portal: FakePortal
) -> None:
    portal.is_silent = True
    async with run_bridge(bridge_open_seconds=0.2) as client:
        assert (await refused(client.connect())).status == 503
        await until(lambda: portal.watching == 0)


@pytest.mark.parametrize(
    ("code", "status"),
    [
        (grpc.StatusCode.UNAUTHENTICATED, 401),
        (grpc.StatusCode.PERMISSION_DENIED, 404),
        (grpc.StatusCode.INVALID_ARGUMENT, 404),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, 503),
        (grpc.StatusCode.INTERNAL, 500),
    ],
)
async def test_what_the_session_service_refuses_is_refused_at_the_handshake(
    bridge: Client, portal: FakePortal, code: grpc.StatusCode, status: int
) -> None:
    portal.refuses_with = code
    assert (await refused(bridge.connect())).status == status


async def test_keys_that_cannot_be_read_are_a_503(run_bridge: RunBridge, tmp_path: Path) -> None:
    async with run_bridge(jwks_uri=(tmp_path / "gone.json").as_uri()) as client:
        assert (await refused(client.connect())).status == 503


async def test_only_pages_of_the_configured_origins_may_connect(run_bridge: RunBridge) -> None:
    async with run_bridge(cors_origins="https://one.example, https://two.example") as client:
        refusal = await refused(client.connect_as_browser(client.token, origin="https://evil.example"))
        assert (refusal.status, refusal.body["error"]) == (403, "forbidden")
        async with (
            client.connect_as_browser(client.token, origin="https://two.example"),
            client.connect() as not_a_page,
        ):
            assert await events(not_a_page, 2)


async def test_plain_http_is_told_what_is_spoken_here(bridge: Client, portal: FakePortal) -> None:
    async with httpx.AsyncClient(base_url=f"http://{bridge.address}") as http:
        health = await http.get("/health")
        assert (health.status_code, health.json()) == (200, {"status": "ok"})
        plain = await http.get(
            f"/portal/ws/sessions/{SESSION}", headers={"authorization": f"Bearer {bridge.token}"}
        )
        assert (plain.status_code, plain.json()["error"]) == (426, "upgrade_required")
        assert (await http.get("/portal/ws/sessions/")).json()["error"] == "not_found"
    assert not portal.requests


async def test_a_trailing_slash_and_a_query_are_accepted(bridge: Client) -> None:
    async with bridge.connect(f"{bridge.url}/?v=2") as websocket:
        assert await events(websocket, 2)


async def test_no_token_reaches_the_log(
    bridge: Client, tokens: TestTokens, log_lines: Any, portal: FakePortal
) -> None:
    bad = tokens.issue(42, aud="practice-refresh")
    await refused(bridge.connect(token=bad))
    await refused(bridge.connect(f"{bridge.url}?token={bridge.token}", token=""))
    async with bridge.connect_as_browser(bridge.token) as websocket:
        await events(websocket, 2)
        portal.break_streams()
        # Only what is answered after the break comes by the next stream, whose opening follows the line.
        await until(lambda: len(portal.requests) > 1)
        portal.answer(SESSION)
        await events(websocket, 1)
    assert "watch_broke" in "".join(log_lines())
    logged = "".join(log_lines())
    assert bad not in logged
    assert bridge.token not in logged
