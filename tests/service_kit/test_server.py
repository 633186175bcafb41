"""A server's life, and the small things around it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from practice.catalog.v1 import exercise_pb2

from service_kit.grpc.guards import Access
from service_kit.grpc.interceptor import CallInterceptor
from service_kit.grpc.server import RunningServer, build_server, start_server
from service_kit.periodic import repeating
from service_kit.settings import read_secret
from tests.service_kit.conftest import Serve
from tests.waiting import PATIENCE_SECONDS


async def start(access: Access, listen: str = "127.0.0.1:0") -> RunningServer:
    return await start_server(build_server(CallInterceptor(access)), listen, [])


async def health_of(server: RunningServer) -> health_pb2.HealthCheckResponse.ServingStatus.ValueType:
    async with grpc.aio.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        return (await stub.Check(health_pb2.HealthCheckRequest())).status


async def test_health_needs_no_token_and_says_when_the_server_is_about_to_stop(access: Access) -> None:
    server = await start(access)
    assert await health_of(server) == health_pb2.HealthCheckResponse.SERVING

    stopping = asyncio.create_task(server.stop(5, drain_seconds=0.3))
    async with asyncio.timeout(PATIENCE_SECONDS):
        while await health_of(server) != health_pb2.HealthCheckResponse.NOT_SERVING:
            await asyncio.sleep(0.01)
    await stopping


async def test_a_call_under_way_is_finished_before_the_server_stops(serve: Serve) -> None:
    reached, go = asyncio.Event(), asyncio.Event()

    async def behaviour(_: object) -> exercise_pb2.Exercise:
        reached.set()
        await go.wait()
        return exercise_pb2.Exercise(name="finished")

    async with serve(behaviour, grace_seconds=5) as get:
        call = asyncio.create_task(get())
        await reached.wait()
        asyncio.get_running_loop().call_later(0.1, go.set)

    assert (await call).name == "finished"


async def test_a_taken_port_is_an_error(access: Access) -> None:
    server = await start(access)

    with pytest.raises(RuntimeError):
        await start(access, f"127.0.0.1:{server.port}")

    await server.stop(0)


async def test_a_job_that_fails_runs_again(log_lines: Callable[[], list[str]]) -> None:
    runs, third = 0, asyncio.Event()

    async def job() -> None:
        nonlocal runs
        runs += 1
        if runs == 1:
            raise RuntimeError("first")
        if runs == 3:
            third.set()

    async with repeating(job, 0.01), asyncio.timeout(PATIENCE_SECONDS):
        await third.wait()

    assert "".join(log_lines()).count("periodic_job_failed") == 1
    finished = runs
    await asyncio.sleep(0.05)
    assert runs == finished


def test_an_empty_secret_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text(" \n")
    with pytest.raises(ValueError, match="empty"):
        read_secret(path)

    path.write_text("  s3cret\n")
    assert read_secret(path) == "s3cret"
