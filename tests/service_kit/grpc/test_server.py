"""A server's life, and the small things around it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, cast

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from practice.catalog.v1 import exercise_pb2
from practice.catalog.v1.catalog_service_pb2_grpc import (
    CatalogServiceServicer,
    add_CatalogServiceServicer_to_server,
)

from service_kit.grpc.guards import Access
from service_kit.grpc.interceptor import CallInterceptor
from service_kit.grpc.server import RunningServer, ServiceServer, build_server, start_server
from service_kit.periodic import repeating
from service_kit.settings import read_secret
from tests.service_kit.conftest import Serve
from tests.waiting import PATIENCE_SECONDS


async def start(access: Access, listen: str = "127.0.0.1:0") -> RunningServer:
    return await start_server(build_server(CallInterceptor(access)), listen, [])


async def health_of(
    server: RunningServer, service: str = ""
) -> health_pb2.HealthCheckResponse.ServingStatus.ValueType:
    async with grpc.aio.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        return (await stub.Check(health_pb2.HealthCheckRequest(service=service))).status


def register_catalog(server: grpc.aio.Server) -> None:
    add_CatalogServiceServicer_to_server(CatalogServiceServicer(), server)


async def test_health_needs_no_token_and_says_when_the_server_is_about_to_stop(access: Access) -> None:
    server = await start(access)
    assert await health_of(server) == health_pb2.HealthCheckResponse.SERVING

    stopping = asyncio.create_task(server.stop(5, drain_seconds=0.3))
    async with asyncio.timeout(PATIENCE_SECONDS):
        while await health_of(server) != health_pb2.HealthCheckResponse.NOT_SERVING:
            await asyncio.sleep(0.01)
    await stopping


async def test_health_knows_each_service_by_its_full_name_and_no_other(access: Access) -> None:
    built = build_server(CallInterceptor(access))
    server = await start_server(built, "127.0.0.1:0", [register_catalog])
    try:
        health = await health_of(server, "practice.catalog.v1.CatalogService")
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await health_of(server, "practice.catalog.v1.ProblemService")
    finally:
        await server.stop(0)

    assert health == health_pb2.HealthCheckResponse.SERVING
    assert raised.value.code() is grpc.StatusCode.NOT_FOUND


async def services_of(server: RunningServer) -> list[str]:
    request = reflection_pb2.ServerReflectionRequest(list_services="")
    async with grpc.aio.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        answers = reflection_pb2_grpc.ServerReflectionStub(channel).ServerReflectionInfo(iter([request]))
        return [each.name async for answer in answers for each in answer.list_services_response.service]


async def test_reflection_tells_the_services_where_it_is_on(access: Access) -> None:
    built = build_server(CallInterceptor(access))
    server = await start_server(built, "127.0.0.1:0", [register_catalog], reflection=True)
    try:
        assert await services_of(server) == [
            "grpc.health.v1.Health",
            "grpc.reflection.v1alpha.ServerReflection",
            "practice.catalog.v1.CatalogService",
        ]
    finally:
        await server.stop(0)


async def test_there_is_no_reflection_unless_it_is_asked_for(access: Access) -> None:
    server = await start_server(build_server(CallInterceptor(access)), "127.0.0.1:0", [register_catalog])
    try:
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await services_of(server)
    finally:
        await server.stop(0)

    assert raised.value.code() is grpc.StatusCode.UNIMPLEMENTED


class Told:
    """Stands for gRPC's server, and remembers what it was told of."""

    def __init__(self) -> None:
        self.handlers: list[grpc.GenericRpcHandler] = []
        self.methods: list[str] = []

    def add_generic_rpc_handlers(self, handlers: Iterable[grpc.GenericRpcHandler]) -> None:
        self.handlers += handlers

    def add_registered_method_handlers(self, service_name: str, handlers: Mapping[str, object]) -> None:
        self.methods += [f"{service_name}/{name}" for name in handlers]


def test_grpc_knows_one_guarded_handler_and_no_method_that_it_would_wait_for_apart(access: Access) -> None:
    told, interceptor = Told(), CallInterceptor(access)
    server = ServiceServer(cast(Any, told), interceptor)
    register_catalog(server)
    assert (told.handlers, told.methods) == ([interceptor], [])
    assert server.services == {"practice.catalog.v1.CatalogService"}


async def upload(_requests: object, _context: object) -> exercise_pb2.Exercise:
    return exercise_pb2.Exercise(name="served")


@pytest.mark.parametrize(
    "kind", [grpc.stream_unary_rpc_method_handler, grpc.stream_stream_rpc_method_handler]
)
async def test_a_method_whose_client_streams_is_refused_when_it_is_registered(
    access: Access, kind: Callable[..., Any]
) -> None:
    server = build_server(CallInterceptor(access))

    with pytest.raises(TypeError, match=r"kit\.test\.v1\.UploadService/Upload takes a stream of requests"):
        server.add_registered_method_handlers("kit.test.v1.UploadService", {"Upload": kind(upload)})


async def test_a_stream_of_requests_that_got_past_registration_is_not_served_as_one_request(
    access: Access, log_lines: Callable[[], list[str]]
) -> None:
    handler = grpc.stream_unary_rpc_method_handler(
        cast(Any, upload), response_serializer=exercise_pb2.Exercise.SerializeToString
    )
    built = build_server(CallInterceptor(access))
    built.add_generic_rpc_handlers(
        (grpc.method_handlers_generic_handler("kit.test.v1.UploadService", {"Upload": handler}),)
    )
    server = await start_server(built, "127.0.0.1:0", [])
    try:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{server.port}") as channel:
            # A message could meet a call that is over already, of which gRPC's client makes another status.
            upload_nothing: Any = channel.stream_unary("/kit.test.v1.UploadService/Upload")
            code = await upload_nothing().code()
    finally:
        await server.stop(0)

    assert code is grpc.StatusCode.UNIMPLEMENTED
    assert "client_streaming_not_served" in "".join(log_lines())


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
