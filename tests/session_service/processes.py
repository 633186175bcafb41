"""The service and its relay as processes of their own, to be killed."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from deploy.local.servers import Server, ServerFailedError
from tests import programs
from tests.waiting import until

# A client that comes back as soon as the server does.
EAGER = [("grpc.initial_reconnect_backoff_ms", 50), ("grpc.max_reconnect_backoff_ms", 200)]


class Process:
    """`python -m module`, with its settings and its log."""

    def __init__(self, module: str, settings: Mapping[str, Any], log: Path) -> None:
        self.log = log
        environment = {name.upper(): str(value) for name, value in settings.items()}
        with log.open("ab") as output:
            self._process = programs.start(module, env={**os.environ, **environment}, output=output)

    @property
    def exit_code(self) -> int | None:
        """None while it runs."""
        return self._process.poll()

    def terminate(self) -> None:
        """Asks it to stop."""
        self._process.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """Kills it as a crash would, and waits for that."""
        self._process.kill()
        self._process.wait()


@contextmanager
def running(module: str, settings: Mapping[str, Any], log: Path) -> Iterator[Process]:
    """A process for the duration of a block."""
    process = Process(module, settings, log)
    try:
        yield process
    finally:
        process.kill()


async def restart(server: Server) -> None:
    """Starts a killed server again; its children may take a moment to leave the place."""

    async def started() -> bool:
        try:
            await asyncio.to_thread(server.restart)
        except ServerFailedError:
            return False
        return True

    await until(started)


@asynccontextmanager
async def connected(address: str) -> AsyncIterator[grpc.aio.Channel]:
    """A channel that reconnects eagerly."""
    async with grpc.aio.insecure_channel(address, options=EAGER) as channel:
        yield channel


async def until_serving(channel: grpc.aio.Channel) -> None:
    """Returns once the server's health says so."""
    stub = health_pb2_grpc.HealthStub(channel)

    async def serving() -> bool:
        try:
            answer = await stub.Check(health_pb2.HealthCheckRequest(), timeout=5)
        except grpc.aio.AioRpcError:
            return False
        return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)

    await until(serving)
