"""Wires the bridge and serves it: `python -m gateway.bridge`."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from websockets.asyncio.server import Server, ServerConnection, serve

from gateway.bridge.connection import LiveConnection, Relay
from gateway.bridge.handshake import Handshake, select_subprotocol
from gateway.bridge.processes import Processes
from gateway.bridge.settings import BridgeSettings
from gateway.bridge.ticker import Ticker
from gateway.bridge.upstream import SharedStreams
from service_kit.logging import configure_logging, get_logger
from service_kit.process import open_many_files, return_what_is_freed, run
from service_kit.setting_faults import EX_CONFIG, read_settings
from service_kit.tokens import TokenVerifier

# Nothing that clients send is used.
_MAX_MESSAGE_BYTES = 1024
_MAX_QUEUED_FRAMES = 4
_WRITE_BUFFER_BYTES = 16 * 1024
_CLOSE_SECONDS = 2.0
# After a restart everybody comes back at once.
_BACKLOG = 1024
# What a bridge has open besides its listeners: logs, the loop's own, connections to services, handshakes.
_OTHER_FILES = 200
# After which a process is silent, and the part of a handshake's time that this is at most.
_SILENCE_SECONDS, _SILENT_PART = 1.0, 1 / 4

log = get_logger(__name__)


@asynccontextmanager
async def serving(settings: BridgeSettings, processes: Processes | None = None) -> AsyncIterator[int]:
    """Serves for the duration of a block, which gets the port; then closes every connection with 1001.

    `processes` are those of the session service, by default where the settings say.
    Raises OSError on a taken port.
    """
    listener = _listener(settings)
    processes = processes or Processes(settings.session_address)
    silence = min(_SILENCE_SECONDS, settings.bridge_open_seconds * _SILENT_PART)
    async with SharedStreams(processes, silence) as streams:
        verifier = TokenVerifier(settings.jwks_uri, settings.jwt_issuer, settings.access_lifetime)
        handshake = Handshake(settings, verifier, streams)
        ticker = Ticker(settings.bridge_tick_seconds)

        async def relay(connection: ServerConnection) -> None:
            assert isinstance(connection, LiveConnection)
            connection.forget_handshake()
            await Relay(connection)(ticker)

        server = await serve(
            relay,
            sock=listener,
            create_connection=LiveConnection,
            process_request=handshake,
            select_subprotocol=select_subprotocol,
            # A few hundred bytes a second, and compression holds far more for each connection.
            compression=None,
            server_header=None,
            open_timeout=settings.bridge_open_seconds * 2,
            close_timeout=_CLOSE_SECONDS,
            ping_interval=settings.bridge_ping_seconds,
            ping_timeout=settings.bridge_ping_seconds,
            max_size=_MAX_MESSAGE_BYTES,
            max_queue=_MAX_QUEUED_FRAMES,
            write_limit=_WRITE_BUFFER_BYTES,
        )
        port: int = listener.getsockname()[1]
        log.info("serving", listen=settings.listen, port=port)
        try:
            yield port
        finally:
            await _stop(server, settings.shutdown_grace_seconds)


def _listener(settings: BridgeSettings) -> socket.socket:
    host, _, port = settings.listen.rpartition(":")
    host = host.strip("[]")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.create_server((host, int(port)), family=family, backlog=_BACKLOG)
    # Connections inherit it.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, settings.bridge_send_buffer_kib * 1024)
    return listener


async def _stop(server: Server, grace_seconds: float) -> None:
    server.close()
    try:
        async with asyncio.timeout(grace_seconds):
            await asyncio.shield(server.wait_closed())
    except TimeoutError:
        for connection in server.all_connections:
            connection.transport.abort()
        await server.wait_closed()


async def _serve_until_stopped(settings: BridgeSettings) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    async with serving(settings):
        await stopped.wait()


def check_files(settings: BridgeSettings, files: int) -> None:
    """Ends the process where it may not open as many files as it is to have listeners."""
    allowed = files - _OTHER_FILES
    if settings.bridge_max_connections > allowed:
        sys.stderr.write(
            f"error: BRIDGE_MAX_CONNECTIONS is {settings.bridge_max_connections}: at most {allowed} with the"
            f" {files} files that the system lets this process open (ulimit -Hn)\n"
        )
        sys.exit(EX_CONFIG)


def main() -> None:
    """Serves until SIGTERM or SIGINT."""
    settings = read_settings(BridgeSettings)
    configure_logging("bridge", settings.log_level)
    return_what_is_freed()
    check_files(settings, open_many_files())
    # It logs every request, with the token in it when it debugs.
    logging.getLogger("websockets").setLevel(logging.WARNING)
    run(_serve_until_stopped(settings))
