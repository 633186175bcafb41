"""What is measured: the whole platform as `make up` starts it, and the baselines beside it.

Both are on one PostgreSQL server, in databases of their own, with the same durability.
"""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jwt
import psycopg
from psycopg import sql

from benchmarks.processes import Processes
from deploy.local import credentials, postgres_server
from deploy.local.ports import default_count
from deploy.local.servers import free_port, free_ports
from deploy.local.stack import LocalStack
from identity_service import keys
from service_kit.tokens import ACCESS_AUDIENCE, ALGORITHM

ROOT = Path(__file__).parents[1]
BASELINE_DATABASE = "baseline"
# Limits that keep one address or account from taking everything: here one address is everybody.
UNLIMITED = {
    "GATEWAY_ADDRESS_RATE": "1000000",
    "GATEWAY_ADDRESS_BURST": "1000000",
    "GATEWAY_ACCOUNT_RATE_PER_MINUTE": "1000000",
    "QUOTA_SESSIONS_PER_DAY": "1000000",
    "QUOTA_SYNCED_SESSIONS_PER_DAY": "1000000",
    # Two thousand listen at once, all from here.
    "BRIDGE_MAX_CONNECTIONS": "4000",
    "BRIDGE_MAX_CONNECTIONS_PER_ADDRESS": "4000",
    "MAX_LIVE": "4000",
    # A page of history is not to come from the cache.
    "PORTAL_HISTORY_CACHE_SECONDS": "1",
    "LOG_LEVEL": "INFO",
}
# What the baselines run on; `make bench` makes it.
BASELINE_PYTHON = ROOT / "build" / "bench" / "bin" / "python"
_START_SECONDS = 30.0
_CALM_SECONDS = 120.0
_ON_THEIR_WAY = "SELECT 1 FROM session.outbox WHERE acked_at IS NULL AND dead_at IS NULL LIMIT 1"


@dataclass
class Platform:
    """A running stack of its own, and tokens of its learners."""

    stack: LocalStack
    directory: Path
    _learners: int = field(default=1_000_000)

    @property
    def gateway(self) -> str:
        """host:port of the gateway."""
        return self.stack.gateway_url.removeprefix("http://")

    def addresses(self, service: str) -> list[str]:
        """Returns host:port of each process of a service."""
        return self.stack.settings.ports.address(service).split(",")

    def learners(self, count: int) -> range:
        """Returns numbers of so many learners who have done nothing yet."""
        first, self._learners = self._learners, self._learners + count
        return range(first, first + count)

    def tokens(self, learners: Sequence[int]) -> list[str]:
        """Returns an access token of each."""
        key = keys.read_signing_key(self.stack.layout.secrets / credentials.SIGNING_KEY)
        kid = keys.public_jwk(key.public_key())["kid"]
        now = int(time.time())
        return [
            jwt.encode(_claims(learner, now), key, algorithm=ALGORITHM, headers={"kid": kid})
            for learner in learners
        ]

    def processes(self, **others: int) -> Processes:
        """Returns the stack's processes and others."""
        return Processes.of_stack(self.stack, **others)

    def select(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """Returns the rows of a query to the platform's database, by the superuser."""
        return _run(self.superuser_url, query, values)

    def execute(self, statement: str, values: Mapping[str, Any]) -> None:
        """Runs a statement with named values in the platform's database, by the superuser."""
        with psycopg.connect(self.superuser_url, autocommit=True) as connection:
            connection.execute(statement, values)  # type: ignore[call-overload]

    def select_baseline(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """Returns the rows of a query to the baseline's database."""
        return _run(self.baseline_url, query, values)

    def wait_for_calm(self) -> None:
        """Waits until no event is on its way, for two minutes at most."""
        until = time.monotonic() + _CALM_SECONDS
        while self.select(_ON_THEIR_WAY) and time.monotonic() < until:
            time.sleep(0.5)

    @property
    def superuser_url(self) -> str:
        """The address of the platform's database for the superuser."""
        return self._superuser(postgres_server.DATABASE)

    @property
    def baseline_url(self) -> str:
        """The address of the baseline's database."""
        return self._superuser(BASELINE_DATABASE)

    @property
    def postgres_pid(self) -> int:
        """The id of the database server's first process."""
        return self.stack.pid("postgres")

    def make_baseline_database(self) -> None:
        """Makes the database of the baselines anew."""
        with psycopg.connect(self._superuser("postgres"), autocommit=True) as connection:
            name = sql.Identifier(BASELINE_DATABASE)
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(name))
            connection.execute(sql.SQL("CREATE DATABASE {}").format(name))
        run_baseline(self, "benchmarks.baselines.tables")

    def _superuser(self, database: str) -> str:
        password = credentials.read(self.stack.layout.secrets, "postgres_superuser_password")
        user = postgres_server.SUPERUSER
        return f"postgresql://{user}:{password}@127.0.0.1:{self.stack.settings.ports.postgres}/{database}"

    def environment(self) -> dict[str, str]:
        """Returns what a baseline finds in its environment."""
        return {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "BASELINE_DATABASE_URL": self.baseline_url,
            "BASELINE_REDIS_URL": self.stack.redis_url,
            "BASELINE_JWKS": str(self.stack.layout.secrets / credentials.PUBLIC_KEYS),
        }


def _claims(learner: int, now: int) -> dict[str, Any]:
    mail = f"{learner}@example.com"
    lasting = {"iat": now, "exp": now + 80_000, "jti": str(learner)}
    return {"iss": "practice", "aud": ACCESS_AUDIENCE, "sub": str(learner), "email": mail, **lasting}


def _run(url: str, query: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
    with psycopg.connect(url, autocommit=True) as connection:
        cursor = connection.execute(query, values or None)  # type: ignore[arg-type]
        return cursor.fetchall() if cursor.description else []


@contextmanager
def running_platform() -> Iterator[Platform]:
    """A stack in a temporary directory for the duration of a block, one process a core."""
    count = default_count()
    with tempfile.TemporaryDirectory(prefix="bench-") as directory:
        ports = free_ports(session=count, stats=count)
        stack = LocalStack(Path(directory) / "stack", ports, environment=UNLIMITED)
        try:
            stack.up()
            platform = Platform(stack, Path(directory))
            yield platform
        finally:
            stack.down()


@dataclass(frozen=True)
class Baseline:
    """A running baseline."""

    workers: int
    address: str
    pid: int


@contextmanager
def running_baselines(platform: Platform, workers: Sequence[int]) -> Iterator[list[Baseline]]:
    """FastAPI by uvicorn with each of these numbers of worker processes, for the duration of a block."""
    platform.make_baseline_database()
    with ExitStack() as stopped:
        started = []
        for count in workers:
            port = free_port()
            words = ["-m", "uvicorn", "benchmarks.baselines.app:app", "--host", "127.0.0.1"]
            words += ["--port", str(port), "--workers", str(count), "--loop", "uvloop", "--http", "httptools"]
            words += ["--no-access-log", "--log-level", "warning"]
            log = stopped.enter_context((platform.directory / f"baseline-{count}.log").open("wb"))
            process = subprocess.Popen(
                [str(BASELINE_PYTHON), *words], cwd=ROOT, env=platform.environment(), stdout=log, stderr=log
            )
            stopped.callback(_stop, process)
            _wait(f"http://127.0.0.1:{port}/health", process, Path(log.name))
            started.append(Baseline(count, f"127.0.0.1:{port}", process.pid))
        yield started


def run_baseline(platform: Platform, module: str, *words: str) -> None:
    """Runs a program of the baselines to its end."""
    command = [str(BASELINE_PYTHON), "-m", module, *words]
    subprocess.run(command, cwd=ROOT, env=platform.environment(), check=True)


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _wait(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + _START_SECONDS
    while True:
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except (urllib.error.URLError, OSError):
            if process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"the baseline did not start: {log.read_text()[-2000:]}") from None
            time.sleep(0.05)
