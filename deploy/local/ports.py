"""Which loopback ports a stack uses, and whether they are free.

GATEWAY_PORT and the other names below override one port each. PRACTICE_PORT_BASE=N
moves all of them: the gateway to N, its admin page to N+1, and so on in the order
of the fields, so that several stacks can run side by side. Further processes of a
service come after those, in turn: session-2, stats-2, session-3, ...
"""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Self

import psutil

from deploy import topology
from deploy.faults import CommandError

HOST = "127.0.0.1"
# The services that run as several processes, by the settings that say how many.
COUNTED = {process.name: process.count_setting for process in topology.PROCESSES if process.count_setting}
MOST_PROCESSES = 16
# So many there are unless somebody says it, and fewer where there are fewer cores.
MOST_BY_DEFAULT = 4


class PortError(CommandError):
    """A port setting is not a port, two processes share one, or there is no such number of processes."""


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
    # Those of the further processes of a service, by their names; none is one process of each.
    copies: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """Reads PRACTICE_PORT_BASE, NAME_PORT and the numbers of processes. Raises PortError."""
        base = environment.get("PRACTICE_PORT_BASE")
        ports: dict[str, int] = {}
        for offset, name in enumerate(LISTENERS):
            default = _number("PRACTICE_PORT_BASE", base) + offset if base else getattr(cls, name)
            ports[name] = _number(setting(name), environment.get(setting(name)) or str(default))
        first = int(base) + len(LISTENERS) if base else cls.bridge + 1
        copies = _copies(environment, first)
        named = ports | copies
        for name, port in named.items():
            _number("PRACTICE_PORT_BASE" if base else setting(name), str(port))
            same = [other for other in named if named[other] == port]
            if len(same) > 1:
                given = next(each for each in same if each in ports)
                raise PortError(f"{' and '.join(same)} cannot share port {port}: give {setting(given)}")
        return cls(**ports, copies=copies)

    @property
    def by_listener(self) -> dict[str, int]:
        """All of them by the names of their listeners."""
        return {**{name: getattr(self, name) for name in LISTENERS}, **self.copies}

    def of(self, process: str) -> list[int]:
        """The ports that a process listens on."""
        return [port for name, port in self.by_listener.items() if f"{name}_".startswith(f"{process}_")]

    def count(self, service: str) -> int:
        """How many processes of a service there are."""
        return 1 + sum(name.startswith(f"{service}-") for name in self.copies)

    def address(self, service: str) -> str:
        """Where a service is asked: the address of each of its processes, as a list."""
        names = [topology.copy_name(service, number) for number in range(1, self.count(service) + 1)]
        return ",".join(f"{HOST}:{self.by_listener[name]}" for name in names)


LISTENERS = tuple(each.name for each in fields(Ports) if each.name != "copies")


def setting(name: str) -> str:
    """The environment variable that overrides a port."""
    return f"{name.upper()}_PORT"


def default_count() -> int:
    """How many processes a service runs as unless somebody says it: one a core, up to four."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(cores, MOST_BY_DEFAULT)


def _copies(environment: Mapping[str, str], first: int) -> dict[str, int]:
    found = {}
    for place, (service, name) in enumerate(COUNTED.items()):
        for number in range(2, _count(name, environment.get(name)) + 1):
            # Fixed for each of them, however many there are of the other service.
            found[topology.copy_name(service, number)] = first + (number - 2) * len(COUNTED) + place
    return found


def _count(name: str, text: str | None) -> int:
    if not text:
        return default_count()
    if not text.isdecimal() or not 0 < int(text) <= MOST_PROCESSES:
        raise PortError(f"{name}={text}: it takes a whole number from 1 to {MOST_PROCESSES}")
    return int(text)


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
