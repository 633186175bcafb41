"""Runs a gRPC server until it is told to stop, then stops it without losing a call."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Sequence

import grpc
import structlog
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from service_kit.grpc.interceptor import CallInterceptor

MAX_MESSAGE_BYTES = 4 * 1024 * 1024
# Long enough for the gateway's health check to see NOT_SERVING and route around.
DRAIN_SECONDS = 0.5
# The name under which health tells of changes; "" tells of the process.
WRITES = "writes"

log = structlog.get_logger(__name__)

Register = Callable[[grpc.aio.Server], None]


def build_server(interceptor: CallInterceptor) -> grpc.aio.Server:
    """Returns a server with the platform's limits and no service yet.

    How many calls may be under way the interceptor says: gRPC itself would count
    health checks too, and a busy service would look like a dead one.
    """
    return grpc.aio.server(
        interceptors=[interceptor],
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


class RunningServer:
    """A started server with its health service."""

    def __init__(self, server: grpc.aio.Server, port: int, status: health.aio.HealthServicer) -> None:
        self.server = server
        self.port = port
        self._status = status

    async def tell_writes(self, possible: bool) -> None:
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
    server: grpc.aio.Server, listen: str, registrations: Sequence[Register]
) -> RunningServer:
    """Registers services and health, binds `listen` (port 0: any) and starts.

    Raises RuntimeError on a taken port.
    """
    for register in registrations:
        register(server)
    status = health.aio.HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(status, server)
    port = server.add_insecure_port(listen)
    await server.start()
    for name in ("", WRITES):
        await status.set(name, health_pb2.HealthCheckResponse.SERVING)
    log.info("serving", listen=listen, port=port)
    return RunningServer(server, port, status)


async def stop_requested() -> None:
    """Waits for SIGTERM or SIGINT."""
    requested = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, requested.set)
    await requested.wait()
