"""Whether a process of the local stack serves: alive for the supervisor and well by its probe."""

from __future__ import annotations

import shutil
import socket

from deploy import probe, topology
from deploy.local.control import State
from deploy.local.ports import HOST
from deploy.local.settings import Settings

# The part of a service's health that tells of changes; service_kit.grpc.server gives it.
WRITES = "writes"


def check(settings: Settings, process: topology.Process, started: float) -> None:
    """Asks the process by its own kind of probe. Raises probe.UnhealthyError with what was seen."""
    match process.probe:
        case "postgres":
            _postgres(settings)
        case "redis":
            probe.redis(settings.redis_url())
        case "grpc":
            probe.grpc_serving(f"{HOST}:{settings.ports.by_listener[process.name]}", WRITES)
        case "http":
            probe.http_ok(f"http://{HOST}:{settings.ports.by_listener[process.name]}/health")
        case "heartbeat":
            # The supervisor counts in whole seconds: within the first, a beat may be the predecessor's.
            probe.heartbeat(settings.layout.heartbeat(process.name), since=started + 1)


def shows_life(settings: Settings, process: topology.Process, since: float) -> bool:
    """Tells at next to no cost whether the process may be well: it listens, or has beaten since then."""
    if process.probe == "postgres":
        # It writes a line into its log about everybody who says nothing.
        return True
    if process.probe == "heartbeat":
        beat = settings.layout.heartbeat(process.name)
        return beat.exists() and beat.stat().st_mtime >= since
    with socket.socket() as connection:
        return connection.connect_ex((HOST, settings.ports.by_listener[process.name])) == 0


def _postgres(settings: Settings) -> None:
    try:
        probe.postgres(settings.database_url())
    except probe.DiskFullError as error:
        home = settings.layout.postgres
        free = shutil.disk_usage(home).free // 2**20
        raise probe.UnhealthyError(f"{error} ({free} MiB free on the disk of {home})") from error


def problem(settings: Settings, process: topology.Process, state: State | None) -> str | None:
    """Why the process is not healthy, in a few words; None when it is."""
    if state is None or not state.alive:
        return "not running" if state is None else state.state.lower()
    try:
        check(settings, process, state.started)
    except probe.UnhealthyError as error:
        return str(error)
    return None
