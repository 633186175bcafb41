"""Which loopback ports a stack uses, and whether they are free.

GATEWAY_PORT and the other names below override one port each. PRACTICE_PORT_BASE=N
moves all of them: the gateway to N, its admin page to N+1, and so on in the order
of the fields, so that several stacks can run side by side.
"""

from __future__ import annotations

import errno
import socket
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Self

import psutil

from deploy.faults import CommandError

HOST = "127.0.0.1"


class PortError(CommandError):
    """A port setting is not a port, or two processes share one."""


@dataclass(frozen=True)
class Ports:
    """One port for each listener."""

    gateway: int = 8080
    gateway_admin: int = 9901
    postgres: int = 5433
    redis: int = 6380
    identity: int = 50051
    catalog: int = 50052
    session: int = 50053
    stats: int = 50054
    bridge: int = 50055
    gateway_operators: int = 9902

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """Reads PRACTICE_PORT_BASE and NAME_PORT. Raises PortError."""
        base = environment.get("PRACTICE_PORT_BASE")
        ports: dict[str, int] = {}
        for offset, listener in enumerate(fields(cls)):
            default = _number("PRACTICE_PORT_BASE", base) + offset if base else listener.default
            name = setting(listener.name)
            ports[listener.name] = _number(name, environment.get(name) or str(default))
        for name, port in ports.items():
            same = [other for other in ports if ports[other] == port]
            if len(same) > 1:
                raise PortError(f"{' and '.join(same)} cannot share port {port}: give {setting(name)}")
        return cls(**ports)

    def of(self, process: str) -> list[int]:
        """The ports that a process listens on."""
        return [port for name, port in asdict(self).items() if f"{name}_".startswith(f"{process}_")]


def setting(name: str) -> str:
    """The environment variable that overrides a port."""
    return f"{name.upper()}_PORT"


def _number(name: str, text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) < 65536:
        raise PortError(f"{name}={text} is not a port (1 to 65535)")
    return int(text)


def taken(port: int, host: str = HOST) -> bool:
    """Whether somebody listens on the port now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return True
            raise PortError(f"port {port} cannot be used: {error.strerror}") from error
    return False


def holder(port: int) -> str:
    """Names who listens on the port, as far as this user may know; for a message."""
    try:
        for connection in psutil.net_connections("tcp"):
            listens = connection.status == psutil.CONN_LISTEN and connection.laddr
            if listens and listens.port == port and connection.pid:
                return f"{psutil.Process(connection.pid).name()}, pid {connection.pid}"
    except psutil.Error:
        pass
    return "another program"
