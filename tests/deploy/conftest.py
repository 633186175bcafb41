from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from deploy import topology
from deploy.local.servers import free_ports
from deploy.local.stack import LocalStack
from tests.guard import guard

MakeStack = Callable[..., LocalStack]

DATABASES = topology.PROCESSES[:2]


@pytest.fixture
def make_stack(tmp_path: Path) -> Iterator[MakeStack]:
    """Makes stacks in one directory; all are stopped afterwards."""
    home = tmp_path / ".practice"
    guard().watch(home)
    stacks: list[LocalStack] = []
    ports = free_ports()

    def make(*processes: topology.Process, **options: object) -> LocalStack:
        options.setdefault("jobs", ())
        options.setdefault("ports", ports)
        stack = LocalStack(home, processes=processes or DATABASES, **options)  # type: ignore[arg-type]
        stacks.append(stack)
        return stack

    yield make
    for stack in stacks:
        stack.down()


GATEWAY_SCRIPT = """
import http.server, os
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/health" else 404)
        self.end_headers()
http.server.HTTPServer(("127.0.0.1", int(os.environ["GATEWAY_PORT"])), Handler).serve_forever()
"""


@pytest.fixture
def small_gateway() -> topology.Process:
    """A process with an HTTP health check that needs nothing else."""
    command = ("python", "-c", GATEWAY_SCRIPT)
    return topology.Process("gateway", "http", command=command, settings=("GATEWAY_PORT",), stop_seconds=5)
