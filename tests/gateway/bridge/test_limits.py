"""What one client can take: bounded, and at nobody else's cost."""

from __future__ import annotations

import asyncio
import gc
import socket
from typing import Any

import pytest
from pydantic import ValidationError
from websockets.exceptions import ConnectionClosed, ConnectionClosedError
from websockets.frames import CloseCode

from gateway.bridge.main import check_files
from gateway.bridge.settings import BridgeSettings
from service_kit.setting_faults import EX_CONFIG
from tests.gateway.bridge.conftest import SESSION, Client, RunBridge, completed, events
from tests.gateway.bridge.portal import FakePortal
from tests.gateway.bridge.test_handshake import refused
from tests.tokens import TestTokens
from tests.waiting import PATIENCE_SECONDS, until


async def test_a_user_has_so_many_connections_and_the_next_is_a_429(
    run_bridge: RunBridge, portal: FakePortal, tokens: TestTokens
) -> None:
    portal.begin("8", owner=43)
    async with run_bridge(bridge_max_connections_per_user=2) as client:
        async with client.connect() as one, client.connect() as two:
            refusal = await refused(client.connect())
            assert refusal.status == 429
            assert refusal.headers["Retry-After"] == "10"
            assert refusal.headers["RateLimit-Policy"] == '"live connections";q=2;qu="concurrent-requests"'
            assert refusal.headers["RateLimit"] == '"live connections";r=0;t=10'
            assert refusal.body == {
                "error": "rate_limit_exceeded",
                "message": "Too many live connections",
                "retry_after": 10,
            }
            async with client.connect(client.url[:-1] + "8", token=tokens.issue(43)) as another:
                assert await events(another, 2)
            assert await events(one, 2) == await events(two, 2)
        await until(lambda: portal.watching == 0)
        async with client.connect() as again:
            assert await events(again, 2)


async def test_a_refused_handshake_takes_no_place(run_bridge: RunBridge, portal: FakePortal) -> None:
    async with run_bridge(bridge_max_connections_per_user=1) as client:
        for _ in range(3):
            assert (await refused(client.connect(client.url + "0"))).status == 404
        async with client.connect() as websocket:
            assert await events(websocket, 2)


def test_a_bridge_that_may_not_open_a_file_for_each_listener_says_what_it_allows(
    capsys: pytest.CaptureFixture[str], tokens: TestTokens
) -> None:
    needed: dict[str, Any] = {"listen": "127.0.0.1:0", "jwks_uri": tokens.jwks_uri, "cors_origins": "*"}
    settings = BridgeSettings(**needed, bridge_max_connections=2_000)
    check_files(settings, 2_200)
    assert capsys.readouterr().err == ""
    with pytest.raises(SystemExit) as ended:
        check_files(settings, 2_199)
    assert ended.value.code == EX_CONFIG
    assert "BRIDGE_MAX_CONNECTIONS is 2000: at most 1999 with the 2199 files" in capsys.readouterr().err
    with pytest.raises(ValidationError, match="less than or equal to 10000"):
        BridgeSettings(**needed, bridge_max_connections=10_001)


async def test_a_full_bridge_is_a_503(run_bridge: RunBridge, portal: FakePortal, tokens: TestTokens) -> None:
    portal.begin("8", owner=43)
    async with run_bridge(bridge_max_connections=1) as client, client.connect():
        assert (await refused(client.connect(client.url[:-1] + "8", token=tokens.issue(43)))).status == 503


async def test_whoever_has_most_places_gives_one_up_to_who_has_none(
    run_bridge: RunBridge, portal: FakePortal, tokens: TestTokens
) -> None:
    portal.begin("8", owner=43)
    theirs = {"token": tokens.issue(43), "address": "192.0.2.2"}
    async with (
        run_bridge(bridge_max_connections=3) as client,
        client.connect(address="192.0.2.1") as oldest,
        client.connect(address="192.0.2.1") as newer,
        client.connect(address="192.0.2.1") as newest,
        client.connect(client.url[:-1] + "8", **theirs) as newcomer,
    ):
        assert len(await events(newcomer, 2)) == 2
        with pytest.raises(ConnectionClosedError):
            await events(oldest, 3)
        assert oldest.close_code == CloseCode.TRY_AGAIN_LATER
        portal.answer(SESSION)
        for websocket in (newer, newest):
            assert completed(await events(websocket, 3)) == [0, 1]
        # Both addresses would have as many then: nobody gives way.
        assert (await refused(client.connect(client.url[:-1] + "8", **theirs))).status == 503


async def test_one_address_has_so_many_connections_whoever_they_are_of(
    run_bridge: RunBridge, portal: FakePortal, tokens: TestTokens
) -> None:
    portal.begin("8", owner=43)
    theirs = {"token": tokens.issue(43)}
    async with (
        run_bridge(bridge_max_connections_per_address=1) as client,
        client.connect(address="2001:db8::1"),
    ):
        url = client.url[:-1] + "8"
        assert (await refused(client.connect(url, address="2001:db8::2", **theirs))).status == 429
        async with client.connect(url, address="2001:db8:0:1::2", **theirs) as websocket:
            assert await events(websocket, 2)


async def test_what_clients_say_is_ignored_and_a_ping_gets_its_pong(
    bridge: Client, portal: FakePortal
) -> None:
    async with bridge.connect() as websocket:
        for number in range(50):
            await websocket.send("x" * 1000 if number % 2 else b"\xff")
        await asyncio.wait_for(await websocket.ping(), PATIENCE_SECONDS)
        portal.answer(SESSION)
        assert completed(await events(websocket, 3)) == [0, 1]


async def test_a_message_that_is_too_long_closes_the_connection(bridge: Client, portal: FakePortal) -> None:
    async with bridge.connect() as websocket:
        await events(websocket, 2)
        await websocket.send("x" * 1025)
        with pytest.raises(ConnectionClosed):
            await websocket.recv()
        assert websocket.close_code == CloseCode.MESSAGE_TOO_BIG
        await until(lambda: portal.watching == 0)


async def test_the_watch_ends_with_its_listener(bridge: Client, portal: FakePortal) -> None:
    async with bridge.connect():
        assert portal.watching == 1
    await until(lambda: portal.watching == 0)
    websocket = await bridge.connect()
    websocket.transport.abort()
    await until(lambda: portal.watching == 0)


async def test_a_client_that_is_gone_without_a_word_is_noticed(
    run_bridge: RunBridge, portal: FakePortal
) -> None:
    async with run_bridge(bridge_ping_seconds=0.1) as client, client.connect() as living:
        dead = await silent_client(client)
        try:
            await until(lambda: portal.watching == 2)
            await until(lambda: portal.watching == 1)
        finally:
            dead.close()
        portal.answer(SESSION)
        assert completed(await events(living, 3)) == [0, 1]


async def silent_client(client: Client) -> socket.socket:
    """Opens a WebSocket and never says anything again."""
    host, _, port = client.address.partition(":")
    raw = socket.create_connection((host, int(port)))
    raw.setblocking(False)
    request = (
        f"GET /portal/ws/sessions/{SESSION} HTTP/1.1\r\nHost: {client.address}\r\n"
        "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        f"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nAuthorization: Bearer {client.token}\r\n\r\n"
    )
    await asyncio.get_running_loop().sock_sendall(raw, request.encode())
    return raw


async def test_a_slow_reader_is_cut_off_and_nobody_else_notices(
    run_bridge: RunBridge, portal: FakePortal
) -> None:
    limits = {"bridge_send_seconds": 0.3, "bridge_send_buffer_kib": 4}
    async with run_bridge(**limits) as client, client.connect() as quick:
        raw = socket.socket()
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        raw.connect(("127.0.0.1", int(client.address.partition(":")[2])))
        async with client.connect(sock=raw, max_queue=1) as slow:
            portal.answer(SESSION, 900)
            received = await events(quick, 902)
            await until(lambda: portal.watching == 1)
            portal.answer(SESSION)
            received += await events(quick, 1)
            assert completed(received) == list(range(902))
            with pytest.raises(ConnectionClosedError):
                while True:
                    await slow.recv()


async def test_a_stop_closes_every_connection_as_going_away(
    run_bridge: RunBridge, portal: FakePortal, caplog: pytest.LogCaptureFixture
) -> None:
    async with run_bridge() as client:
        websockets = [await client.connect() for _ in range(3)]
        for websocket in websockets:
            await events(websocket, 2)
        closing = [asyncio.create_task(websocket.wait_closed()) for websocket in websockets]
    await asyncio.wait_for(asyncio.gather(*closing), PATIENCE_SECONDS)
    assert {websocket.close_code for websocket in websockets} == {CloseCode.GOING_AWAY}
    assert portal.watching == 0
    gc.collect()
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


async def test_a_stop_waits_for_no_client_that_does_not_answer(
    run_bridge: RunBridge, portal: FakePortal
) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        async with run_bridge(shutdown_grace_seconds=0.2) as client:
            dead = await silent_client(client)
            await until(lambda: portal.watching == 1)
    dead.close()
