"""Writes what the supervisor and the launcher read: one description a process, one configuration."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from deploy import topology
from deploy.local import control, credentials, postgres_server, redis_server
from deploy.local.settings import Settings


def write(settings: Settings, processes: Sequence[topology.Process]) -> str:
    """Writes the files (mode 0600) and returns the supervisor's configuration.

    The same settings and sources give the same text, so a difference means
    that something has to be restarted.
    """
    layout = settings.layout
    for process in processes:
        description = {**describe(settings, process), "pidfile": str(layout.pidfile(process.name))}
        _write(layout.description(process.name), json.dumps(description, indent=1))
    text = control.configuration(layout, processes)
    _write(layout.supervisor_config, text)
    return text


def describe(settings: Settings, process: topology.Process) -> dict[str, Any]:
    """How to become the process; see deploy/local/launch.py."""
    layout = settings.layout
    match process.image:
        case "postgres":
            return postgres_server.server(layout.postgres, settings.ports.postgres)
        case "redis":
            password = credentials.read(layout.secrets, "redis_password")
            redis_server.prepare(layout.redis, settings.ports.redis, password)
            return redis_server.server(layout.redis)
        case _:
            return {
                "command": settings.command_of(process),
                "environment": settings.environment_of(process),
            }


def _write(path: Path, text: str) -> None:
    path.touch(mode=0o600)
    path.write_text(text)
