"""What the supervisor, the launcher and Redis read: rendered first, written when it is to hold."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy import topology
from deploy.local import control, credentials, postgres_server, redis_server
from deploy.local.settings import Settings


@dataclass(frozen=True)
class Files:
    """Every file by its path. The same settings and sources give the same texts."""

    texts: Mapping[Path, str]

    @property
    def digest(self) -> str:
        """Differs when something has to be restarted."""
        return digest_of(json.dumps({str(path): text for path, text in self.texts.items()}))

    def write(self) -> None:
        """Writes them, readable by their owner alone.

        A process that dies is started again from these, so nothing is written
        before the new settings are known to work.
        """
        for path, text in self.texts.items():
            unfinished = path.with_name(f"{path.name}.unfinished")
            unfinished.touch(mode=0o600)
            unfinished.write_text(text)
            unfinished.rename(path)


def render(settings: Settings, processes: Sequence[topology.Process]) -> Files:
    """Renders the files of a stack; needs its secrets."""
    layout = settings.layout
    texts = {}
    for process in processes:
        description = {**describe(settings, process), "pidfile": str(layout.pidfile(process.name))}
        texts[layout.description(process.name)] = json.dumps(description, indent=1)
        if process.image == "redis":
            password = credentials.read(layout.secrets, "redis_password")
            path = redis_server.configuration_file(layout.redis)
            texts[path] = redis_server.configuration(layout.redis, settings.ports.redis, password)
    digests = {name: digest_of(texts[layout.description(name)]) for name in (p.name for p in processes)}
    texts[layout.supervisor_config] = control.configuration(layout, processes, digests)
    return Files(texts)


def describe(settings: Settings, process: topology.Process) -> dict[str, Any]:
    """How to become the process; see deploy/local/launch.py."""
    match process.image:
        case "postgres":
            return postgres_server.server(settings.layout.postgres, settings.ports.postgres)
        case "redis":
            # Its port is in its configuration file, which is no part of the description.
            description = redis_server.server(settings.layout.redis)
            return {**description, "port": settings.ports.redis}
        case _:
            return {
                "command": settings.command_of(process),
                "environment": settings.environment_of(process),
            }


def digest_of(text: str) -> str:
    """A short digest of a text."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]
