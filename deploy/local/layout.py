"""Where the local stack keeps things: every path under one directory.

secrets/    passwords, the signing key, its public keys, the internal token (0700)
postgres/   the database cluster        redis/   the append-only file
gateway/    Envoy's configuration       log/     a file for each process
run/        descriptions of the processes, pid files, heartbeats, the supervisor (0700)
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from deploy.faults import CommandError

ROOT = Path(__file__).resolve().parents[2]
# A Unix socket's path has at most 107 bytes; the supervisor adds a suffix while it binds.
_SOCKET_BYTES = 90


@dataclass(frozen=True)
class Layout:
    """The directories of one stack."""

    home: Path

    @property
    def secrets(self) -> Path:
        """Secrets, one a file."""
        return self.home / "secrets"

    @property
    def postgres(self) -> Path:
        """The parent of the database cluster."""
        return self.home / "postgres"

    @property
    def redis(self) -> Path:
        """Redis's working directory."""
        return self.home / "redis"

    @property
    def gateway_config(self) -> Path:
        """Envoy's configuration."""
        return self.home / "gateway" / "envoy.yaml"

    @property
    def run(self) -> Path:
        """What exists only for the running stack."""
        return self.home / "run"

    @property
    def supervisor_config(self) -> Path:
        """The supervisor's configuration."""
        return self.run / "supervisord.conf"

    @property
    def socket(self) -> Path:
        """The supervisor's socket: in run/, or somewhere shorter when that path is too long."""
        path = self.run / "supervisor.sock"
        if len(os.fsencode(path)) <= _SOCKET_BYTES:
            return path
        name = hashlib.sha256(os.fsencode(self.home)).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"practice-{os.geteuid()}-{name}" / "supervisor.sock"

    @property
    def borrowed(self) -> Path | None:
        """The directory of the supervisor's socket when that is not run/."""
        return self.socket.parent if self.socket.parent != self.run else None

    def log(self, name: str) -> Path:
        """The log of a process or a job."""
        return self.home / "log" / f"{name}.log"

    def description(self, name: str) -> Path:
        """What the launcher reads to become the process."""
        return self.run / f"{name}.json"

    def pidfile(self, name: str) -> Path:
        """The process id that the launcher wrote."""
        return self.run / f"{name}.pid"

    def heartbeat(self, name: str) -> Path:
        """The file that a process without a port touches while it works."""
        return self.run / f"{name}.heartbeat"

    def make(self) -> None:
        """Makes the directories, but not the borrowed one; a no-op when they are there.

        Raises PermissionError when one that must be private belongs to somebody else.
        """
        self.home.mkdir(parents=True, exist_ok=True)
        for directory in (self.home / "log", self.gateway_config.parent):
            directory.mkdir(exist_ok=True)
        for directory in (self.secrets, self.run, self.redis):
            make_private(directory)


def make_private(directory: Path) -> None:
    """Makes a directory for this user alone; a no-op when it is there. Raises PermissionError."""
    directory.mkdir(mode=0o700, exist_ok=True)
    status = directory.lstat()
    if status.st_uid != os.geteuid():
        raise PermissionError(f"{directory} belongs to another user (id {status.st_uid})")
    directory.chmod(0o700)


def default_home(environment: dict[str, str]) -> Path:
    """PRACTICE_HOME, or .practice in the checkout. Raises CommandError when that is no directory."""
    home = Path(environment.get("PRACTICE_HOME") or ROOT / ".practice").absolute()
    if home.exists() and not home.is_dir():
        raise CommandError(f"PRACTICE_HOME={home} is no directory: name one")
    return home
