"""Calls with one token go to one copy of the session service, while it is well and has only its share."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from gateway.settings import ROOT
from tests.gateway.edge import Edge, free_port, listens
from tests.guard import marked
from tests.tokens import TestTokens
from tests.waiting import PATIENCE_SECONDS, eventually

# A session service whose sessions have its address for a name, and which takes its time over the 7th.
SERVICE = """
import sys
import time
from concurrent.futures import ThreadPoolExecutor
import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from practice.session.v1 import practice_session_pb2, session_service_pb2_grpc
class Sessions(session_service_pb2_grpc.SessionServiceServicer):
    def GetSession(self, request, context):
        time.sleep(1 if request.name == "sessions/7" else 0)
        return practice_session_pb2.PracticeSession(name=sys.argv[1])
server = grpc.server(ThreadPoolExecutor(24))
status = health.HealthServicer()
status.set("writes", health_pb2.HealthCheckResponse.SERVING)
health_pb2_grpc.add_HealthServicer_to_server(status, server)
session_service_pb2_grpc.add_SessionServiceServicer_to_server(Sessions(), server)
server.add_insecure_port(sys.argv[1])
server.start()
server.wait_for_termination()
"""

Copies = dict[str, subprocess.Popen[bytes]]


def start(address: str) -> subprocess.Popen[bytes]:
    started = subprocess.Popen([sys.executable, "-c", SERVICE, address], env=marked({}), cwd=ROOT)
    eventually(lambda: listens(address))
    return started


@pytest.fixture
def copies() -> Iterator[Copies]:
    """Two copies of the session service by their addresses."""
    started = {address: start(address) for address in (f"127.0.0.1:{free_port()}" for _ in range(2))}
    yield started
    for process in started.values():
        process.kill()
        process.wait(PATIENCE_SECONDS)


@pytest.fixture
def edge_of_copies(
    copies: Copies,
    tmp_path_factory: pytest.TempPathFactory,
    gateway_settings: dict[str, Any],
    tokens: TestTokens,
) -> Iterator[Edge]:
    settings = {**gateway_settings, "session_address": ",".join(copies)}
    edge = Edge(tmp_path_factory.mktemp("edge"), tokens.issue(42), **settings)
    edge.wait_until_healthy()
    yield edge
    edge.stop()


def ask(edge: Edge, token: str, session: int = 5) -> str:
    """Returns which copy answers."""
    response = edge.http.get(f"/v1/sessions/{session}", headers={"authorization": f"Bearer {token}"})
    assert response.status_code == 200, response.text
    name: str = response.json()["name"]
    return name


def test_a_token_has_a_copy_and_another_when_that_one_is_dead(
    copies: Copies, edge_of_copies: Edge, tokens: TestTokens
) -> None:
    held = [tokens.issue(user_id) for user_id in range(1, 31)]
    mine = {token: ask(edge_of_copies, token) for token in held}
    assert set(mine.values()) == set(copies)
    for _ in range(3):
        assert {token: ask(edge_of_copies, token) for token in held} == mine

    dead, living = copies
    copies[dead].kill()
    copies[dead].wait(PATIENCE_SECONDS)
    # From the first call on, and nobody else is moved.
    assert {ask(edge_of_copies, token) for token in held} == {living}

    copies[dead] = start(dead)
    eventually(lambda: {token: ask(edge_of_copies, token) for token in held} == mine)


def test_who_asks_more_than_a_copy_s_share_at_once_is_served_by_both(
    copies: Copies, edge_of_copies: Edge, tokens: TestTokens
) -> None:
    token = tokens.issue(1)
    with ThreadPoolExecutor(12) as threads:
        asked = [threads.submit(ask, edge_of_copies, token, 7) for _ in range(12)]
    assert {each.result() for each in asked} == set(copies)
    # And goes back to its own.
    assert len({ask(edge_of_copies, token) for _ in range(10)}) == 1
