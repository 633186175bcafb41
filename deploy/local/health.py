"""Whether a process of the local stack serves: alive for the supervisor and well by its probe."""

from __future__ import annotations

from deploy import probe, topology
from deploy.local.control import State
from deploy.local.ports import HOST
from deploy.local.settings import Settings


def check(settings: Settings, process: topology.Process, started: float) -> None:
    """Asks the process by its own kind of probe. Raises probe.UnhealthyError with what was seen."""
    match process.probe:
        case "postgres":
            probe.postgres(settings.database_url())
        case "redis":
            probe.redis(settings.redis_url())
        case "grpc":
            probe.grpc_serving(f"{HOST}:{getattr(settings.ports, process.name)}")
        case "http":
            probe.http_ok(f"http://{HOST}:{getattr(settings.ports, process.name)}/health")
        case "heartbeat":
            # The supervisor counts in whole seconds: within the first, a beat may be the predecessor's.
            probe.heartbeat(settings.layout.heartbeat(process.name), since=started + 1)


def problem(settings: Settings, process: topology.Process, state: State | None) -> str | None:
    """Why the process is not healthy, in a few words; None when it is."""
    if state is None or not state.alive:
        return "not running" if state is None else state.state.lower()
    try:
        check(settings, process, state.started)
    except probe.UnhealthyError as error:
        return str(error)
    return None
