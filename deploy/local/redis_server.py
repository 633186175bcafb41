"""Starts a Valkey, which speaks the Redis protocol: loopback, a password, appended to disk every second."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from deploy.local import programs


def configuration(
    home: Path, port: int, password: str, *, durable: bool = True, bind: str = "127.0.0.1"
) -> str:
    """The text of valkey.conf. The password goes there because a command line is public."""
    persistence = ["appendonly yes", "appendfsync everysec"] if durable else ["appendonly no"]
    return "\n".join(
        [
            f"bind {bind}",
            f"port {port}",
            "protected-mode yes",
            f"requirepass {password}",
            f'dir "{home}"',
            "daemonize no",
            # Nothing is evicted: what is queued is work, not a cache.
            "maxmemory-policy noeviction",
            'save ""',
            *persistence,
            "",
        ]
    )


def configuration_file(home: Path) -> Path:
    """Where the configuration is."""
    return home / "valkey.conf"


def prepare(home: Path, port: int, password: str, *, durable: bool = True) -> Path:
    """Writes `home`/valkey.conf (mode 0600) and returns its path."""
    home.mkdir(parents=True, exist_ok=True)
    path = configuration_file(home)
    path.touch(mode=0o600)
    path.write_text(configuration(home, port, password, durable=durable))
    return path


def server(home: Path) -> dict[str, Any]:
    """Describes the server of `home` for the launcher, in the foreground."""
    return {
        "command": [str(programs.redis()), str(configuration_file(home))],
        "environment": {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"},
    }


def url(port: int, password: str, *, host: str = "127.0.0.1") -> str:
    """The address programs use."""
    return f"redis://:{password}@{host}:{port}/0"
