"""A list of addresses is asked in turn, and past one that does not answer."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import grpc
import pytest
from grpc_health.v1 import health_pb2
from grpc_health.v1.health_pb2_grpc import HealthStub

from service_kit.grpc.channels import open_channel
from service_kit.grpc.targets import in_turn


class Answering:
    """A server that counts its calls."""

    def __init__(self) -> None:
        self.calls = 0

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[tuple[str, grpc.aio.Server]]:
        server = grpc.aio.server()

        async def check(_request: health_pb2.HealthCheckRequest, _context: object) -> object:
            self.calls += 1
            return health_pb2.HealthCheckResponse()

        handler = grpc.unary_unary_rpc_method_handler(
            check,
            request_deserializer=health_pb2.HealthCheckRequest.FromString,
            response_serializer=health_pb2.HealthCheckResponse.SerializeToString,
        )
        server.add_generic_rpc_handlers(
            (grpc.method_handlers_generic_handler("grpc.health.v1.Health", {"Check": handler}),)
        )
        port = server.add_insecure_port("127.0.0.1:0")
        await server.start()
        try:
            yield f"127.0.0.1:{port}", server
        finally:
            await server.stop(None)


async def test_calls_go_to_each_in_turn_and_past_one_that_ended() -> None:
    one, other = Answering(), Answering()
    async with (
        one.serving() as (first, ending),
        other.serving() as (second, _),
        open_channel(f"{first},{second}") as channel,
    ):
        stub = HealthStub(channel)
        # Until both are connected, one may be asked alone.
        for _ in range(1_000):
            await stub.Check(health_pb2.HealthCheckRequest(), timeout=30, wait_for_ready=True)
            if one.calls and other.calls:
                break
        assert one.calls
        assert other.calls
        await ending.stop(None)
        for _ in range(20):
            await stub.Check(health_pb2.HealthCheckRequest(), timeout=30, wait_for_ready=True)


@pytest.mark.parametrize(
    ("address", "taken_in_turn"),
    [
        *(("session:50051", True), ("10.0.0.1:1,10.0.0.2:1", True), ("[::1]:1,[::2]:1", True)),
        *(("10.0.0.1:1", False), ("[::1]:1", False)),
    ],
)
def test_whatever_may_be_several_is_asked_in_turn(address: str, taken_in_turn: bool) -> None:
    assert bool(in_turn(address)) is taken_in_turn


def test_a_list_of_names_is_refused_before_anything_is_opened() -> None:
    with pytest.raises(ValueError, match="address"):
        open_channel("one.example:1,two.example:2")
