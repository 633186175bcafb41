"""A session service that comes and goes: no event is lost, none is told twice."""

from __future__ import annotations

import time
from contextlib import AsyncExitStack

import grpc
import pytest
from websockets.exceptions import ConnectionClosedError
from websockets.frames import CloseCode

from tests.gateway.bridge.conftest import OWNER, SESSION, Client, RunBridge, completed, events, rest
from tests.gateway.bridge.portal import FakePortal, serving_portal
from tests.gateway.edge import free_port
from tests.tokens import TestTokens
from tests.waiting import until


@pytest.mark.parametrize("end", [grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.INTERNAL, None], ids=str)
async def test_answers_given_while_the_stream_was_broken_are_told_once(
    bridge: Client, portal: FakePortal, end: grpc.StatusCode | None
) -> None:
    async with bridge.connect() as websocket:
        portal.answer(SESSION, 2)
        await events(websocket, 4)
        for total in (4, 6):
            portal.break_streams(end)
            await until(lambda: portal.watching == 0)
            portal.answer(SESSION, 2)
            assert completed(await events(websocket, 2)) == [total - 1, total]
    assert [request.cursor for request in portal.requests] == [0, 3, 5]


async def test_a_restart_of_the_service_goes_unnoticed(
    run_bridge: RunBridge, portal: FakePortal, tokens: TestTokens
) -> None:
    port = free_port()
    async with run_bridge(session_address=f"127.0.0.1:{port}", bridge_tick_seconds=0.05) as client:
        async with AsyncExitStack() as first_life:
            await first_life.enter_async_context(serving_portal(portal, port))
            websocket = await client.connect()
            portal.answer(SESSION)
            received = await events(websocket, 4)
        portal.answer(SESSION, 2)
        # The clock goes on meanwhile.
        received += await events(websocket, 3)
        async with serving_portal(portal, port):
            portal.answer(SESSION)
            await until(lambda: len(portal.requests) > 1)
            portal.end(SESSION)
            received += await rest(websocket)
    assert completed(received) == [0, 1, 2, 3, 4]
    assert [event["type"] for event in received].count("session_complete") == 1
    assert websocket.close_code == CloseCode.NORMAL_CLOSURE


async def test_an_end_during_the_break_is_told(bridge: Client, portal: FakePortal) -> None:
    async with bridge.connect() as websocket:
        await events(websocket, 2)
        portal.break_streams()
        await until(lambda: portal.watching == 0)
        portal.answer(SESSION)
        portal.end(SESSION, elapsed=3)
        received = await rest(websocket)
    assert [event["type"] for event in received] == ["progress_update", "session_complete"]


async def test_what_a_service_repeats_is_not_told_again(bridge: Client, portal: FakePortal) -> None:
    async with bridge.connect() as websocket:
        portal.answer(SESSION, 3)
        await events(websocket, 5)
        portal.repeats_itself = True
        portal.break_streams()
        await until(lambda: len(portal.requests) > 1)
        portal.answer(SESSION)
        assert completed(await events(websocket, 1)) == [4]


async def test_a_session_that_is_gone_closes_with_an_error(bridge: Client, portal: FakePortal) -> None:
    async with bridge.connect() as websocket:
        await events(websocket, 2)
        portal.forget(SESSION)
        portal.break_streams()
        with pytest.raises(ConnectionClosedError):
            await websocket.recv()
        assert websocket.close_code == CloseCode.INTERNAL_ERROR


async def test_a_token_that_is_refused_later_closes_with_a_policy_violation(
    bridge: Client, portal: FakePortal
) -> None:
    async with bridge.connect() as websocket:
        await events(websocket, 2)
        portal.refuses_with = grpc.StatusCode.UNAUTHENTICATED
        portal.break_streams()
        with pytest.raises(ConnectionClosedError):
            await websocket.recv()
        assert (websocket.close_code, websocket.close_reason) == (1008, "access token expired")


async def test_nobody_listens_longer_than_their_token_lasts(bridge: Client, tokens: TestTokens) -> None:
    # Five seconds of clock skew are forgiven.
    token = tokens.issue(OWNER, exp=int(time.time()) - 4)
    async with bridge.connect(token=token) as websocket:
        await events(websocket, 2)
        with pytest.raises(ConnectionClosedError):
            await websocket.recv()
        assert websocket.close_code == CloseCode.POLICY_VIOLATION
