"""The root and the health of what is behind the gateway."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib.metadata import version
from typing import Any

import pytest

from gateway.settings import ROOT
from service_kit.time_zones import zone_data_version
from tests.gateway.edge import Edge, free_port, listens
from tests.gateway.upstream import Upstream
from tests.guard import marked
from tests.tokens import TestTokens
from tests.waiting import PATIENCE_SECONDS, eventually


def test_the_root_names_the_service_and_its_version(edge: Edge) -> None:
    response = edge.http.get("/")
    assert response.json() == {"service": "practice-platform", "version": version("practice-platform")}
    assert response.headers["content-type"] == "application/json"


def test_health_is_ok_while_every_service_is(edge: Edge) -> None:
    response = edge.http.get("/health")
    assert response.status_code == 200
    versions = {"version": version("practice-platform"), "time_zone_data": zone_data_version()}
    assert response.json() == {"status": "ok", **versions}
    assert response.headers["content-type"] == "application/json"
    assert edge.http.head("/health").status_code == 200


def test_health_is_503_while_one_service_is_down(broken_edge: Edge) -> None:
    eventually(lambda: broken_edge.http.get("/health").status_code == 503)
    response = broken_edge.http.get("/health")
    assert response.json()["status"] == "unavailable"
    assert response.headers["content-type"] == "application/json"
    assert broken_edge.http.head("/health").status_code == 503


# A service in a process of its own that knows nothing but its health.
SERVICE = """
import sys
from concurrent.futures import ThreadPoolExecutor
import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
server = grpc.server(ThreadPoolExecutor(4))
status = health.HealthServicer()
status.set("writes", health_pb2.HealthCheckResponse.SERVING)
health_pb2_grpc.add_HealthServicer_to_server(status, server)
server.add_insecure_port(sys.argv[1])
server.start()
server.wait_for_termination()
"""


@pytest.fixture
def copies() -> Iterator[dict[str, subprocess.Popen[bytes]]]:
    """Two copies of the statistics service by their addresses."""
    started = {}
    for address in (f"127.0.0.1:{free_port()}", f"127.0.0.1:{free_port()}"):
        command = [sys.executable, "-c", SERVICE, address]
        started[address] = subprocess.Popen(command, env=marked({}), cwd=ROOT)
    yield started
    for process in started.values():
        process.kill()
        process.wait(PATIENCE_SECONDS)


def test_a_service_of_two_copies_lives_while_one_does_and_one_that_hangs_is_answered_for_at_once(
    copies: dict[str, subprocess.Popen[bytes]],
    tmp_path_factory: pytest.TempPathFactory,
    gateway_settings: dict[str, Any],
    tokens: TestTokens,
) -> None:
    eventually(lambda: all(listens(address) for address in copies))
    settings = {**gateway_settings, "gateway_health_timeout_seconds": 1, "stats_address": ",".join(copies)}
    edge = Edge(tmp_path_factory.mktemp("edge"), tokens.issue(42), **settings)

    def refused_at_once(answer: tuple[int, float]) -> bool:
        return answer[0] == 503 and answer[1] < 5

    def streak() -> tuple[int, float]:
        began = time.monotonic()
        return edge.call("GET", "/focus/api/v1/streak").status_code, time.monotonic() - began

    first, second = copies.values()
    try:
        edge.wait_until_healthy()
        first.kill()
        first.wait(PATIENCE_SECONDS)
        # What the dead one refuses goes to the other, and from the first call on.
        assert [streak()[0] for _ in range(6)] == [501] * 6
        assert edge.http.get("/health").status_code == 200
        second.send_signal(signal.SIGSTOP)
        eventually(lambda: edge.http.get("/health").status_code == 503)
        # Health asks beside the calls and may know first.
        eventually(lambda: refused_at_once(streak()))
        assert edge.call("GET", "/focus/api/v1/streak").json()["message"].startswith("Service temporarily")
        second.send_signal(signal.SIGCONT)
        eventually(lambda: edge.http.get("/health").status_code == 200)
        eventually(lambda: streak()[0] == 501)
    finally:
        second.send_signal(signal.SIGCONT)
        edge.stop()


def test_health_is_503_while_a_service_takes_no_writes_and_what_is_read_is_answered(
    edge: Edge, upstream: Upstream
) -> None:
    upstream.take_writes("session", possible=False)
    try:
        eventually(lambda: edge.http.get("/health").status_code == 503)
        assert edge.call("GET", "/v1/sessions/5").status_code == 200
    finally:
        upstream.take_writes("session", possible=True)
    eventually(lambda: edge.http.get("/health").status_code == 200)
