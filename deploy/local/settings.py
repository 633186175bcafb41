"""The settings of a local stack: what each process finds in its environment."""

from __future__ import annotations

import hashlib
import math
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from deploy import topology
from deploy.local import credentials, postgres_server, programs, redis_server
from deploy.local.layout import ROOT, Layout
from deploy.local.ports import HOST, Ports
from service_kit.settings import ServiceSettings

SERVICE_PACKAGES = (
    *("identity_service", "catalog_service", "session_service", "stats_service"),
    *("service_kit", "contract_kit", "gateway", "generated"),
)
DOCUMENTATION = "build/docs"
POOL_SIZE = "DATABASE_POOL_SIZE"
# A process that waits for its only connection would wait for itself where a call needs a second one.
FEWEST_CONNECTIONS = 2
# Where a process of the stack must not differ between two callers' shells.
BASE = {
    "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.defpath]),
    "LANG": "C.UTF-8",
    "PYTHONUNBUFFERED": "1",
    "PYTHONNOUSERSITE": "1",
    # glibc gives every thread an arena of its own otherwise: memory for nothing here.
    "MALLOC_ARENA_MAX": "2",
}


class Sources:
    """Digests of the project's files, which must differ for a running process to be out of date.

    Each is made once: every process has one in its environment, and there are hundreds of files.
    """

    def __init__(self) -> None:
        self._digests: dict[tuple[str, ...], str] = {}

    def digest(self, packages: tuple[str, ...]) -> str:
        """Returns the digest of all files of the packages, as they were when it was first asked for."""
        if packages not in self._digests:
            self._digests[packages] = _digest(packages)
        return self._digests[packages]

    def forget(self) -> None:
        """Has the files read again."""
        self._digests.clear()


def _digest(packages: tuple[str, ...]) -> str:
    digest = hashlib.sha256()
    for package in packages:
        for directory, below, files in os.walk(ROOT / package):
            below[:] = sorted(name for name in below if name != "__pycache__")
            for path in filter(Path.is_file, (Path(directory, name) for name in sorted(files))):
                digest.update(os.fsencode(path.relative_to(ROOT)) + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


@dataclass(frozen=True)
class Settings:
    """Everything that makes one stack differ from another."""

    layout: Layout
    ports: Ports
    environment: Mapping[str, str] = field(default_factory=dict)
    # More settings for the project's own processes.
    extra: Mapping[str, str] = field(default_factory=dict)
    sources: Sources = field(default_factory=Sources, compare=False)

    @property
    def external(self) -> dict[str, str]:
        """The servers that exist already: process name to its address."""
        given = {
            "postgres": self.environment.get("DATABASE_URL"),
            "redis": self.environment.get("REDIS_URL"),
        }
        return {name: url for name, url in given.items() if url}

    @property
    def gateway_url(self) -> str:
        """The address people and programs use."""
        return f"http://{HOST}:{self.ports.gateway}"

    def database_url(self, service: str = "") -> str:
        """DATABASE_URL, or the address of the stack's own server for a service or its owner."""
        if "postgres" in self.external:
            return self.external["postgres"]
        secret = f"postgres_{service}_password" if service else "postgres_password"
        password = credentials.read(self.layout.secrets, secret)
        return postgres_server.url(self.ports.postgres, password, service=service)

    def redis_url(self) -> str:
        """REDIS_URL, or the address of the stack's own server."""
        if "redis" in self.external:
            return self.external["redis"]
        return redis_server.url(self.ports.redis, credentials.read(self.layout.secrets, "redis_password"))

    def values(self) -> dict[str, str]:
        """Every setting that is the same for all processes."""
        secrets = self.layout.secrets
        addresses = {
            f"{name.upper()}_ADDRESS": self.ports.address(name)
            for name in ("identity", "catalog", "session", "stats", "bridge")
        }
        return {
            **addresses,
            "DATABASE_URL": self.database_url(),
            "REDIS_URL": self.redis_url(),
            "JWKS_URI": (secrets / credentials.PUBLIC_KEYS).as_uri(),
            "JWKS_FILE": str(secrets / credentials.PUBLIC_KEYS),
            "SIGNING_KEY_FILE": str(secrets / credentials.SIGNING_KEY),
            "INTERNAL_TOKEN_FILE": str(secrets / "internal_token"),
            # Here the pages are one's own; elsewhere somebody has to say whose they are.
            "CORS_ORIGINS": self.environment.get("CORS_ORIGINS", "*"),
            "GATEWAY_HOST": self.environment.get("GATEWAY_HOST", HOST),
            "GATEWAY_PORT": str(self.ports.gateway),
            "GATEWAY_ADMIN_PORT": str(self.ports.gateway_admin),
            "GATEWAY_OPERATORS_PORT": str(self.ports.gateway_operators),
            "GATEWAY_CONFIG": str(self.layout.gateway_config),
            "PRACTICE_HOME": str(self.layout.home),
            "DESCRIPTOR_FILE": str(ROOT / "generated" / "practice.binpb"),
        }

    def environment_of(self, node: topology.Process | topology.Job) -> dict[str, str]:
        """The whole environment of a process or job: its declared settings and nothing of the caller's."""
        values = self.values()
        if node.name in self.ports.by_listener:
            values["LISTEN"] = f"{HOST}:{self.ports.by_listener[node.name]}"
        if isinstance(node, topology.Process) and node.schema:
            values["DATABASE_URL"] = self.database_url(node.schema)
        values["HEARTBEAT_FILE"] = str(self.layout.heartbeat(node.name))
        chosen = {name: values[name] for name in node.settings}
        chosen |= {name: self.environment[name] for name in node.tunables if name in self.environment}
        if isinstance(node, topology.Process):
            chosen |= self._share_of_connections(node)
        chosen |= self.extra
        packages: tuple[str, ...] = ("deploy",) if node is topology.WATCHER else SERVICE_PACKAGES
        # The gateway serves it from memory, as it was when its configuration was rendered.
        packages += (DOCUMENTATION,) if node.name in ("gateway", "gateway-config") else ()
        build = {"PRACTICE_BUILD": self.sources.digest(packages)}
        return {**BASE, "HOME": str(self.layout.run), **build, **chosen}

    def _share_of_connections(self, process: topology.Process) -> dict[str, str]:
        """The pool of each of several processes: together they have what one would have."""
        count = self.ports.count(process.name.partition("-")[0]) if process.count_setting else 1
        if count == 1:
            return {}
        pool = int(
            self.environment.get(POOL_SIZE) or ServiceSettings.model_fields["database_pool_size"].default
        )
        return {POOL_SIZE: str(max(FEWEST_CONNECTIONS, math.ceil(pool / count)))}

    def command_of(self, node: topology.Process | topology.Job) -> list[str]:
        """The command with its settings filled in and its program found."""
        values = self.values()
        words = [values[word[1:]] if word.startswith("$") else word for word in node.command]
        found = {"python": sys.executable, "envoy": ""}.get(words[0], words[0])
        return [found or str(programs.envoy()), *words[1:]]
