"""Throwaway PostgreSQL and Redis servers for tests: real ones, on free ports, gone afterwards.

with throwaway_servers() as servers:
engine = create_engine(servers.database_url)
client = redis.Redis.from_url(servers.redis_url)
"""

from __future__ import annotations

import atexit
import os
import secrets
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import redis

from deploy.local import postgres_server, programs, redis_server, temporary
from deploy.local.ports import LISTENERS, Ports
from deploy.topology import copy_name

START_SECONDS = 30.0
STOP_SECONDS = 15.0


class ServerFailedError(RuntimeError):
    """A server did not start; the message holds the end of its log."""


@dataclass
class Server:
    """One running server: its address and the handle to stop or kill it."""

    url: str
    port: int
    home: Path
    command: list[str]
    process: subprocess.Popen[bytes]
    ready: Callable[[], bool] = field(repr=False)

    @property
    def log(self) -> Path:
        """The file that takes the server's output."""
        return self.home / "server.log"

    def stop(self) -> None:
        """Stops it at once but cleanly (SIGINT), keeping its files. Safe to call again."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def kill(self) -> None:
        """Kills it with SIGKILL, as a crash would."""
        self.process.kill()
        self.process.wait()

    def restart(self) -> None:
        """Starts it again on the same port and files, after stop() or kill()."""
        self.process = _spawn(self.command, self.home)
        _wait(self)


@dataclass(frozen=True)
class Servers:
    """A PostgreSQL and a Redis of one's own."""

    postgres: Server
    redis: Server

    @property
    def database_url(self) -> str:
        """postgresql://... ; the role owns the database and may create further ones."""
        return self.postgres.url

    @property
    def redis_url(self) -> str:
        """redis://..."""
        return self.redis.url

    def stop(self) -> None:
        """Stops both and removes their directories."""
        for server in (self.redis, self.postgres):
            server.stop()
            temporary.remove(server.home)


def free_port() -> int:
    """A loopback port nobody listens on at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def free_ports(**counts: int) -> Ports:
    """A set of ports for a whole stack beside others; `session=2` has two processes of that service."""
    copies = [copy_name(name, number) for name, count in counts.items() for number in range(2, count + 1)]
    names = [*LISTENERS, *copies]
    with ExitStack() as held:
        # All at once, so that none is given twice.
        probes = {name: held.enter_context(socket.socket()) for name in names}
        for probe in probes.values():
            probe.bind(("127.0.0.1", 0))
        found = {name: int(probe.getsockname()[1]) for name, probe in probes.items()}
        return Ports(
            **{name: found[name] for name in LISTENERS}, copies={name: found[name] for name in copies}
        )


def start_postgres(
    directory: Path | None = None, *, durable: bool = False, port: int | None = None
) -> Server:
    """Starts a PostgreSQL of one's own in a directory (default: a new temporary one).

    It dies with the process that started it, or rather with the thread (Linux).
    A temporary directory stays until the process ends. `durable` turns fsync on.
    Raises ServerFailedError, PostgresError.
    """
    home = directory or _temporary("postgres")
    port, password = port or free_port(), _password(home)
    # Nobody breaks into what is thrown away, and each connection would pay for that.
    rounds = 4096 if durable else 1
    passwords = postgres_server.Passwords(secrets.token_urlsafe(16), password, rounds=rounds)
    postgres_server.initialise(home, passwords, sync=durable, creates_databases=True)
    command = _command(postgres_server.server(home, port, durable=durable))
    address = postgres_server.url(port, password)
    return _start(
        Server(address, port, home, command, _spawn(command, home), lambda: _postgres_ready(address))
    )


def start_redis(directory: Path | None = None, *, durable: bool = False, port: int | None = None) -> Server:
    """Starts a Redis of one's own; as start_postgres."""
    home = directory or _temporary("redis")
    port, password = port or free_port(), _password(home)
    redis_server.prepare(home, port, password, durable=durable)
    command = _command(redis_server.server(home))
    address = redis_server.url(port, password)
    process = _spawn(command, home)
    return _start(Server(address, port, home, command, process, lambda: _redis_ready(address)))


def start_servers() -> Servers:
    """Starts both, not durable. Call stop() on the result."""
    return Servers(start_postgres(), start_redis())


@contextmanager
def throwaway_servers() -> Iterator[Servers]:
    """Both servers for the duration of a block."""
    servers = start_servers()
    try:
        yield servers
    finally:
        servers.stop()


def _temporary(purpose: str) -> Path:
    home = temporary.make(purpose)
    # Not with stop(): a server may be started again.
    atexit.register(temporary.remove, home)
    return home


def _password(home: Path) -> str:
    """The password kept beside the data, so that the same directory can be started again."""
    home.mkdir(parents=True, exist_ok=True)
    kept = home / "password"
    if not kept.exists():
        kept.write_text(secrets.token_urlsafe(16))
    return kept.read_text()


def _command(description: dict[str, Any]) -> list[str]:
    return programs.launched({**description, "die_with_parent": os.getpid()})


def _spawn(command: list[str], home: Path) -> subprocess.Popen[bytes]:
    with (home / "server.log").open("ab") as log:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            # A Ctrl-C meant for the test run must not stop the server first.
            start_new_session=True,
        )


def _start(server: Server) -> Server:
    try:
        _wait(server)
    except BaseException:
        server.stop()
        raise
    return server


def _wait(server: Server) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not server.ready():
        if server.process.poll() is not None or time.monotonic() > deadline:
            raise ServerFailedError(f"{server.log}:\n{server.log.read_text(errors='replace')[-2000:]}")
        time.sleep(0.05)


def _postgres_ready(address: str) -> bool:
    try:
        psycopg.connect(address, connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True


def _redis_ready(address: str) -> bool:
    client = redis.Redis.from_url(address, socket_connect_timeout=2)
    try:
        return bool(client.ping())
    except redis.RedisError:
        return False
    finally:
        client.close()
