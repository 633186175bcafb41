"""Listeners over WebSocket while the service they listen to is killed and comes back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc
from practice.products.portal.v1 import portal_service_pb2 as pb
from practice.products.portal.v1 import portal_service_pb2_grpc as rpc

from deploy.local.servers import free_port
from gateway.bridge.main import serving
from gateway.bridge.settings import BridgeSettings
from tests.gateway.bridge.conftest import Client, completed, events
from tests.session_service.adapters.grpc.products.portal.clients import Client as Learner
from tests.session_service.processes import Process, connected, until_serving
from tests.tokens import TestTokens
from tests.waiting import PATIENCE_SECONDS

SERVICE = "session_service.main"
LEARNERS, ANSWERS = 3, 22


async def answer_all(learner: Learner, session_id: str) -> None:
    """Answers one word after the other, each until it is answered."""
    for word in range(1, ANSWERS + 1):
        request = pb.UpdateProgressRequest(session_id=session_id, item_id=f"m{word}", answer=f"a m{word}")
        key = ("idempotency-key", f"{session_id}-{word}")
        while True:
            try:
                await learner.stub.UpdateProgress(
                    request, metadata=(*learner.metadata, key), timeout=5, wait_for_ready=True
                )
                break
            except grpc.aio.AioRpcError:
                await asyncio.sleep(0.02)


async def test_each_hears_of_each_answer_once_and_in_order_while_the_service_is_killed_again_and_again(
    session_settings: dict[str, Any],
    fresh_database_url: str,
    tokens: TestTokens,
    new_user: Callable[[], int],
    tmp_path: Path,
) -> None:
    address = f"127.0.0.1:{free_port()}"
    settings = {**session_settings, "database_url": fresh_database_url, "listen": address}
    bridge_settings = BridgeSettings(
        listen="127.0.0.1:0",
        session_address=address,
        jwks_uri=tokens.jwks_uri,
        cors_origins="*",
        bridge_tick_seconds=3600,
        shutdown_grace_seconds=1,
    )
    process = Process(SERVICE, settings, tmp_path / "service.log")
    try:
        async with (
            asyncio.timeout(2 * PATIENCE_SECONDS),
            connected(address) as channel,
            serving(bridge_settings) as port,
        ):
            await until_serving(channel)
            hearing, answering = [], []
            for _ in range(LEARNERS):
                metadata = tokens.bearer(new_user())
                learner = Learner(rpc.PortalServiceStub(channel), metadata)
                session_id = await learner.start(word_count=24)
                client = Client(f"127.0.0.1:{port}", metadata[0][1].removeprefix("Bearer "))
                url = f"ws://{client.address}/portal/ws/sessions/{session_id}"
                websocket = await client.connect(url)
                await events(websocket, 2)
                hearing.append(asyncio.create_task(events(websocket, ANSWERS)))
                answering.append(asyncio.create_task(answer_all(learner, session_id)))
            for _ in range(3):
                await asyncio.sleep(0.05)
                process.kill()
                process = Process(SERVICE, settings, tmp_path / "service.log")
                await until_serving(channel)
            await asyncio.gather(*answering)
            told = await asyncio.gather(*hearing)
    finally:
        process.kill()
    assert [completed(each) for each in told] == [list(range(1, ANSWERS + 1))] * LEARNERS
