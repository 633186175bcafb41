"""The whole platform, started as `make up` starts it, and clients that know only its REST gateway.

A plugin of `tests/conftest.py`, so that tests in every directory share one stack.
"""

from __future__ import annotations

import ssl
import uuid
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import httpx
import pytest
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

from deploy.local.servers import free_ports
from deploy.local.stack import LocalStack
from tests import described
from tests.guard import guard
from tests.waiting import PATIENCE_SECONDS

# A lost event is looked after at once: the tests wait for it. What tests damage is healed when they say so.
TUNED = {
    "OUTBOX_FIRST_WAIT_SECONDS": "0.5",
    "RELAY_INTERVAL_SECONDS": "0.2",
    "RECONCILIATION_RECENT_SECONDS": "0",
    "LEADERBOARD_CLOSING_SECONDS": "2",
    # How long a thousand sessions take is the machine's matter.
    "MAX_DEADLINE_SECONDS": "60",
    "GATEWAY_REQUEST_TIMEOUT_SECONDS": "60",
    # What a password's hash costs is looked at by the tests of identity.
    "PASSWORD_MEMORY_KIB": "64",
}

# All start at once, on a machine that may be busy with much else.
START_SECONDS = 3 * PATIENCE_SECONDS


def start_stack(home: Path, **counts: int) -> LocalStack:
    """Starts a stack of its own on free ports; `session=2` has two processes of that service, the others one.

    It does not outlive this process.
    """
    guard().watch(home)
    stack = LocalStack(home, free_ports(**counts), extra=TUNED, healthy_seconds=START_SECONDS)
    try:
        stack.up()
    except BaseException:
        stack.down()
        raise
    return stack


def asked_by_the_watcher(stack: LocalStack) -> Callable[[], bool]:
    """Returns what tells whether a look began and ended since now: what is healthy has answered one."""
    beats: set[float] = set()

    def asked() -> bool:
        beats.add(stack.layout.heartbeat("watcher").stat().st_mtime)
        return len(beats) > 2

    return asked


# Of the one service there are two.
SESSION_PROCESSES = ("session", "session-2")

_STACK = pytest.StashKey[LocalStack]()
_GROUP = "stack"
_GROUPS = {
    "tests/benchmarks/test_short_form.py": _GROUP,
    "tests/deploy/test_wheels.py": "wheels",
    "tests/end_to_end/": _GROUP,
    "tests/clients/": _GROUP,
    # Its Envoy, and the services and the bridge behind it.
    "tests/gateway/": "edge",
    # A catalog, and a session service with settings of their own.
    "tests/session_service/adapters/grpc/products/portal/": "portal",
}
# All is whole again after each of them, but a comparison of everybody's facts would find what others invent.
_FIRST = ("tests/end_to_end/test_crashes.py", "tests/end_to_end/test_reconciliation.py")


def group_of(node_id: str) -> str | None:
    """Returns what a test belongs to that is to run in one worker, such as all tests of the shared stack."""
    return next((group for path, group in _GROUPS.items() if node_id.startswith(path)), None)


class GroupScheduling(LoadScopeScheduling):  # type: ignore[misc]
    """Gives each group to one worker, for which alone a stack is started, and of other tests each file.

    Two workers that share the tests of a file would both start what they stand on. The
    marks of pytest-xdist do not reach its scheduler with this pytest.
    """

    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid) or nodeid.partition("::")[0]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds the option."""
    parser.addoption("--gateway", help="run the tests of clients against the platform at this URL")
    parser.addoption("--keep-examples", action="store_true", help="write what examples are answered")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> GroupScheduling | None:
    """Schedules a run with `--dist loadgroup`."""
    return GroupScheduling(config, log) if config.getoption("dist") == "loadgroup" else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Puts first what needs a stack that nobody else has used."""
    items.sort(key=lambda item: not item.nodeid.startswith(_FIRST))


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """Stops the stack after the last of its group: it costs even who does nothing with it."""
    if group_of(item.nodeid) != _GROUP or (nextitem is not None and group_of(nextitem.nodeid) == _GROUP):
        return
    stack = item.config.stash.get(_STACK, None)
    if stack is not None and item.config.getoption("loadgroup", False):
        stack.down()


@pytest.fixture(scope="session")
def shared_stack(
    pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LocalStack]:
    """The one stack of a run: starting it costs more than most of what is done with it.

    With `--gateway` one that runs already, of which a client's test may know no more than the address.
    """
    if gateway := pytestconfig.getoption("gateway"):
        yield cast("LocalStack", SimpleNamespace(gateway_url=gateway))
        return
    stack = start_stack(tmp_path_factory.mktemp("stack"), session=len(SESSION_PROCESSES))
    pytestconfig.stash[_STACK] = stack
    yield stack
    stack.down()


@pytest.fixture(scope="session")
def stack(shared_stack: LocalStack) -> LocalStack:
    """The same, where no module has another."""
    return shared_stack


@cache
def _certificates() -> ssl.SSLContext:
    """Reading them costs more than most tests, whether they are needed or not."""
    return httpx.create_ssl_context()


def open_client(base_url: str, **headers: str) -> httpx.Client:
    """Returns a client that waits as long as every test does."""
    return httpx.Client(
        base_url=base_url,
        timeout=PATIENCE_SECONDS,
        headers=headers,
        verify=_certificates(),
        trust_env=False,
        event_hooks={"response": [described.watch]},
    )


class Learner:
    """A person with an account of their own, as a client of the gateway."""

    def __init__(self, gateway: str, first_name: str = "Ana", **headers: str) -> None:
        self.client = open_client(gateway, **headers)
        self.email = f"{first_name.lower()}.{uuid.uuid4().hex[:12]}@example.com"
        self.password = uuid.uuid4().hex
        names = {"first_name": first_name, "last_name": "Gil"}
        self.account = self.ok(
            "POST", "/v1/accounts:signUp", {**names, "email": self.email, "password": self.password}
        )
        self.tokens = self.log_in()
        self.client.headers["Authorization"] = f"Bearer {self.tokens['access_token']}"

    def log_in(self) -> Any:
        """Returns tokens for the password in force."""
        return self.ok("POST", "/v1/accounts:logIn", {"email": self.email, "password": self.password})

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
        """Sends a call; a body of bytes goes as it is."""
        if isinstance(body, bytes):
            return self.client.request(
                method, path, content=body, headers={"Content-Type": "application/json", **headers}
            )
        return self.client.request(method, path, json=body, headers=headers)

    def ok(self, method: str, path: str, body: Any = None, *, status: int = 200, **headers: str) -> Any:
        """Returns the JSON of a call that must answer `status`."""
        response = self.send(method, path, body, **headers)
        assert response.status_code == status, f"{method} {path}: {response.status_code} {response.text}"
        return response.json()


MakeLearner = Callable[..., Learner]


@pytest.fixture
def make_learner(stack: LocalStack) -> Iterator[MakeLearner]:
    """Makes people with accounts."""
    made: list[Learner] = []

    def make(first_name: str = "Ana", **headers: str) -> Learner:
        made.append(Learner(stack.gateway_url, first_name, **headers))
        return made[-1]

    yield make
    for learner in made:
        learner.client.close()


@pytest.fixture
def learner(make_learner: MakeLearner) -> Learner:
    """A person with an account."""
    return make_learner()


@pytest.fixture
def anyone(stack: LocalStack) -> Iterator[httpx.Client]:
    """A client without a token."""
    with open_client(stack.gateway_url) as client:
        yield client
