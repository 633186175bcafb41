"""Runs a gRPC server until it is told to stop, then stops it without losing a call."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from service_kit.grpc.channels import MAX_MESSAGE_BYTES
from service_kit.grpc.interceptor import CallInterceptor
from service_kit.logging import get_logger

# Long enough for the gateway's health check to see NOT_SERVING and route around.
DRAIN_SECONDS = 0.5
# The name under which health tells of changes; "" tells of the process.
WRITES = "writes"

log = get_logger(__name__)

Register = Callable[[grpc.aio.Server], None]


class ServiceServer(grpc.aio.Server):
    """A server that knows which services it has, and takes only what the interceptor guards.

    Without an interceptor the services are for everybody.
    """

    def __init__(self, server: grpc.aio.Server, interceptor: CallInterceptor | None = None) -> None:
        self.unguarded = server
        self.services: set[str] = set()
        self._interceptor = interceptor
        if interceptor is not None:
            server.add_generic_rpc_handlers((interceptor,))

    def add_generic_rpc_handlers(self, generic_rpc_handlers: Iterable[grpc.GenericRpcHandler]) -> None:
        """Registers services and remembers their names."""
        handlers = tuple(generic_rpc_handlers)
        names = (each.service_name() for each in handlers if isinstance(each, grpc.ServiceRpcHandler))
        self.services.update(filter(None, names))
        if self._interceptor is None:
            self.unguarded.add_generic_rpc_handlers(handlers)
        else:
            self._interceptor.add(handlers)

    def add_registered_method_handlers(
        self, service_name: str, method_handlers: Mapping[str, grpc.RpcMethodHandler[Any, Any]]
    ) -> None:
        """Checks the methods of a service, which its generic handler serves.

        Raises TypeError for a method whose client streams: the interceptor
        guards one request a call, also where a stream carries the calls of many.
        gRPC itself is told of no method: for each call it would wait anew for a
        call of each, a hundred in some services.
        """
        for name, handler in method_handlers.items():
            carries = self._interceptor is not None and self._interceptor.carries(f"/{service_name}/{name}")
            if handler.request_streaming and not (carries and handler.response_streaming):
                raise TypeError(
                    f"{service_name}/{name} takes a stream of requests, of which the interceptor guards none:"
                    " take one request, or several calls"
                )

    def add_insecure_port(self, address: str) -> int:
        """Binds an address; returns its port."""
        return self.unguarded.add_insecure_port(address)

    def add_secure_port(self, address: str, server_credentials: grpc.ServerCredentials) -> int:
        """Binds an address for TLS; returns its port."""
        return self.unguarded.add_secure_port(address, server_credentials)

    async def start(self) -> None:
        """Begins to serve."""
        await self.unguarded.start()

    async def stop(self, grace: float | None) -> None:
        """Stops; calls under way have `grace` seconds to end."""
        await self.unguarded.stop(grace)

    async def wait_for_termination(self, timeout: float | None = None) -> bool:  # noqa: ASYNC109 - as gRPC has it
        """Waits until the server has stopped; tells whether it took longer than the timeout."""
        return await self.unguarded.wait_for_termination(timeout)


def build_server(interceptor: CallInterceptor) -> ServiceServer:
    """Returns a server with the platform's limits and no service yet.

    How many calls may be under way the interceptor says: gRPC itself would count
    health checks too, and a busy service would look like a dead one.
    """
    server = grpc.aio.server(
        options=[
            ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
            ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
            ("grpc.keepalive_time_ms", 30_000),
            ("grpc.http2.ping_timeout_ms", 10_000),
            # Callers ask every five seconds of a call whether this process lives.
            ("grpc.http2.min_ping_interval_without_data_ms", 2_000),
            # The gateway's pings on an idle connection are no abuse.
            ("grpc.keepalive_permit_without_calls", 1),
            # Above the first, calls are refused at random; the gateway lets 8 KiB through.
            ("grpc.max_metadata_size", 16 * 1024),
            ("grpc.absolute_max_metadata_size", 32 * 1024),
            ("grpc.max_connection_age_ms", 30 * 60_000),
            ("grpc.max_connection_age_grace_ms", 30_000),
            # A taken port is an error, not a second server beside the first.
            ("grpc.so_reuseport", 0),
        ],
    )
    return ServiceServer(server, interceptor)


class RunningServer:
    """A started server with its health service."""

    def __init__(self, server: grpc.aio.Server, port: int, status: health.aio.HealthServicer) -> None:
        self.server = server
        self.port = port
        self._status = status

    async def set_writes(self, possible: bool) -> None:
        """Says by the health of `writes` whether changes can be made; what is read goes on."""
        states = health_pb2.HealthCheckResponse
        await self._status.set(WRITES, states.SERVING if possible else states.NOT_SERVING)

    async def stop(self, grace_seconds: float, drain_seconds: float = DRAIN_SECONDS) -> None:
        """Reports NOT_SERVING, lets callers notice, finishes the calls under way.

        With a grace of 0 seconds nobody is waited for.
        """
        await self._status.enter_graceful_shutdown()
        await asyncio.sleep(min(drain_seconds, grace_seconds))
        await self.server.stop(grace_seconds)


async def start_server(
    server: ServiceServer, listen: str, registrations: Sequence[Register], *, reflection: bool = False
) -> RunningServer:
    """Registers services and health, binds `listen` (port 0: any) and starts.

    Health answers for the process, for WRITES and for each service by its full
    name. With `reflection` the server says which services and methods it has, to
    anybody who reaches it. Raises RuntimeError on a taken port.
    """
    for register in registrations:
        register(server)
    status = health.aio.HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(status, ServiceServer(server.unguarded))
    if reflection:
        _reflect(server)
    port = server.add_insecure_port(listen)
    await server.start()
    for name in ("", WRITES, *server.services):
        await status.set(name, health_pb2.HealthCheckResponse.SERVING)
    log.info("serving", listen=listen, port=port)
    return RunningServer(server, port, status)


def _reflect(server: ServiceServer) -> None:
    from grpc_reflection.v1alpha import reflection  # noqa: PLC0415 - loads every contract's description

    names = sorted({*server.services, health.SERVICE_NAME, reflection.SERVICE_NAME})
    reflection.enable_server_reflection(names, server.unguarded)
