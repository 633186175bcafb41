"""A process that hangs still takes connections: its callers must not wait for it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from service_kit.grpc.channels import open_channel

SERVER = """
import asyncio
from service_kit.grpc.interceptor import CallInterceptor
from service_kit.grpc.server import build_server, start_server

async def serve():
    running = await start_server(build_server(CallInterceptor(None)), "127.0.0.1:0", [])
    print("port", running.port, flush=True)
    await asyncio.Event().wait()

asyncio.run(serve())
"""
# Far above what it takes to see that nobody answers, and far below the deadline of the calls.
SOON_SECONDS = 40.0
DEADLINE_SECONDS = 120.0
ASKED = health_pb2.HealthCheckRequest()


@pytest.fixture
def server() -> Iterator[tuple[subprocess.Popen[str], int]]:
    process = subprocess.Popen([sys.executable, "-c", SERVER], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    port = next(int(line.split()[1]) for line in process.stdout if line.startswith("port "))
    yield process, port
    process.kill()
    process.wait()
    process.stdout.close()


async def test_a_hung_process_fails_its_callers_long_before_their_deadline(
    server: tuple[subprocess.Popen[str], int],
) -> None:
    process, port = server
    async with open_channel(f"127.0.0.1:{port}") as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        await stub.Check(ASKED, timeout=DEADLINE_SECONDS)
        os.kill(process.pid, signal.SIGSTOP)
        started = time.monotonic()
        for _ in range(2):
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                await stub.Check(ASKED, timeout=DEADLINE_SECONDS)
            assert refused.value.code() is grpc.StatusCode.UNAVAILABLE
        assert time.monotonic() - started < SOON_SECONDS

        os.kill(process.pid, signal.SIGCONT)
        answer = await stub.Check(ASKED, timeout=DEADLINE_SECONDS, wait_for_ready=True)
        assert answer.status == health_pb2.HealthCheckResponse.SERVING


async def test_a_call_that_takes_long_is_not_taken_for_a_hung_process(
    server: tuple[subprocess.Popen[str], int],
) -> None:
    _, port = server
    async with open_channel(f"127.0.0.1:{port}") as channel:
        watching = health_pb2_grpc.HealthStub(channel).Watch(ASKED, timeout=25)
        assert (await watching.read()).status == health_pb2.HealthCheckResponse.SERVING
        # Nothing more comes: only pings travel, and none of them may be one too many.
        with pytest.raises(grpc.aio.AioRpcError) as ended:
            await watching.read()
        assert ended.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
