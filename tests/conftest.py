"""Real servers and real tokens that every test may ask for.

One PostgreSQL and one Redis serve the whole run. With xdist the controller
starts them and tells its workers where they are; without it the first test
that needs them does.
"""

from __future__ import annotations

import asyncio
import io
import itertools
import logging
import os
import secrets
import signal
import zoneinfo
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import uvloop
from hypothesis import HealthCheck, settings
from sqlalchemy import make_url

# Read when gRPC is imported: it tells of every connection that a killed server closes.
os.environ.setdefault("GRPC_VERBOSITY", "ERROR")

from deploy.local.servers import Servers, start_servers
from service_kit.logging import configure_logging
from service_kit.process import spare_what_stays
from tests.databases import create_database, create_empty_database, drop_database
from tests.guard import guard
from tests.shared import Shared
from tests.tokens import ISSUER, TestTokens

pytest_plugins = ("tests.costs", "tests.stack")

# How long an example takes is the machine's matter. `make test-long` tries many more.
_PATIENT: dict[str, Any] = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("suite", max_examples=30, **_PATIENT)
settings.register_profile("long", max_examples=500, **_PATIENT)
settings.load_profile("suite")

# What tests compute by themselves is to come from the pinned zone data as well, not from this machine's.
zoneinfo.reset_tzpath(to=())

_SERVERS = pytest.StashKey[Servers]()
_REDIS_DATABASES = 16
_numbers = itertools.count(1)


def pytest_configure(config: pytest.Config) -> None:
    """Starts this process's guard, and the servers in the controller of a run with workers."""
    guard()
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        # A shell that starts a run in the background ignores it, and so would all commands of tests.
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if config.getoption("numprocesses", None) and not hasattr(config, "workerinput"):
        config.stash[_SERVERS] = start_servers()


def pytest_collection_finish() -> None:
    """Keeps all that was collected and imported from every later garbage collection, as services do."""
    spare_what_stays()


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """One loop for all tests of a process, of the kind that services run on."""
    return {"uvloop": uvloop.new_event_loop}


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tells a worker where the servers are."""
    servers = node.config.stash[_SERVERS]
    node.workerinput["server_urls"] = (servers.database_url, servers.redis_url)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stops the servers this process started."""
    servers = config.stash.get(_SERVERS, None)
    if servers is not None:
        servers.stop()


@pytest.fixture(scope="session")
async def shared() -> AsyncIterator[Shared]:
    """What tests share that is costly to start."""
    shared = Shared()
    yield shared
    await shared.close()


@pytest.fixture(scope="session")
def server_urls(pytestconfig: pytest.Config) -> tuple[str, str]:
    """The addresses of the run's PostgreSQL and Redis."""
    worker = getattr(pytestconfig, "workerinput", None)
    if worker is not None:
        database_url, redis_url = worker["server_urls"]
        return database_url, redis_url
    servers = pytestconfig.stash[_SERVERS] = start_servers()
    return servers.database_url, servers.redis_url


@pytest.fixture(scope="session")
def worker_name(pytestconfig: pytest.Config) -> str:
    """The name of this test process: gw0, gw1, ... or main."""
    worker: dict[str, str] = getattr(pytestconfig, "workerinput", {})
    return worker.get("workerid", "main")


@pytest.fixture(scope="session")
def database_url(server_urls: tuple[str, str], worker_name: str) -> str:
    """This test process's database, every service's schema migrated. Rows of earlier tests stay."""
    return create_database(server_urls[0], f"test_{worker_name}")


@pytest.fixture
def fresh_database_url(server_urls: tuple[str, str], worker_name: str) -> Iterator[str]:
    """A migrated database for one test alone, dropped after it."""
    name = f"test_{worker_name}_{next(_numbers)}"
    yield create_database(server_urls[0], name)
    drop_database(server_urls[0], name)


@pytest.fixture
def empty_database_url(server_urls: tuple[str, str], worker_name: str) -> Iterator[str]:
    """A database without anything in it for one test alone, dropped after it."""
    name = f"empty_{worker_name}_{next(_numbers)}"
    yield create_empty_database(server_urls[0], name)
    drop_database(server_urls[0], name)


@pytest.fixture(scope="session")
def redis_url(server_urls: tuple[str, str], worker_name: str) -> str:
    """This test process's Redis database."""
    number = int(worker_name.removeprefix("gw")) % _REDIS_DATABASES if worker_name != "main" else 0
    return make_url(server_urls[1]).set(database=str(number)).render_as_string(hide_password=False)


@pytest.fixture(scope="session")
def tokens(tmp_path_factory: pytest.TempPathFactory) -> TestTokens:
    """Issues access tokens that services with `tokens.jwks_uri` accept."""
    return TestTokens(tmp_path_factory.mktemp("keys"))


@pytest.fixture(scope="session")
def internal_token() -> str:
    """The secret that services show to each other."""
    return secrets.token_urlsafe(32)


@pytest.fixture(scope="session")
def internal_token_file(tmp_path_factory: pytest.TempPathFactory, internal_token: str) -> Path:
    """The file that holds the internal token."""
    path = tmp_path_factory.mktemp("secrets") / "internal_token"
    path.write_text(internal_token)
    return path


@pytest.fixture(scope="session")
def service_settings(database_url: str, tokens: TestTokens, internal_token_file: Path) -> dict[str, Any]:
    """The settings every service needs, for `Settings(**service_settings)`."""
    return {
        "listen": "127.0.0.1:0",
        "database_url": database_url,
        "jwks_uri": tokens.jwks_uri,
        "jwt_issuer": ISSUER,
        "internal_token_file": internal_token_file,
        # Where nobody listens; a test that minds has a session service of its own.
        "session_address": "127.0.0.1:1",
        "catalog_address": "127.0.0.1:1",
        "stats_address": "127.0.0.1:1",
        "database_pool_size": 5,
        "shutdown_grace_seconds": 0,
    }


@pytest.fixture
def log_lines() -> Iterator[Callable[[], list[str]]]:
    """Logs as a service does, and returns the lines written so far."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    configure_logging("test")
    (handler,) = root.handlers
    assert isinstance(handler, logging.StreamHandler)
    output = io.StringIO()
    handler.setStream(output)
    yield lambda: output.getvalue().splitlines()
    root.handlers[:] = handlers
    root.setLevel(level)
