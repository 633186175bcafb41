"""One Envoy for the tests of this folder, and one whose statistics service is gone."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from gateway.settings import ROOT
from tests.gateway.edge import Edge, free_port, listens
from tests.gateway.upstream import Call, Upstream
from tests.guard import marked
from tests.tokens import TestTokens
from tests.waiting import PATIENCE_SECONDS, eventually


@pytest.fixture(scope="package")
def upstream() -> Iterator[Upstream]:
    servers = Upstream()
    servers.start()
    yield servers
    servers.stop()


@pytest.fixture(scope="package")
def bridge_address(upstream: Upstream, tokens: TestTokens) -> Iterator[str]:
    """The bridge as it runs everywhere: a process of its own."""
    address = f"127.0.0.1:{free_port()}"
    environment = {
        "LISTEN": address,
        "SESSION_ADDRESS": upstream.portal_address,
        "JWKS_URI": tokens.jwks_uri,
        "CORS_ORIGINS": "*",
        "LOG_LEVEL": "WARNING",
    }
    command = [sys.executable, "-m", "gateway.bridge"]
    with subprocess.Popen(command, env=marked(environment), cwd=ROOT, start_new_session=True) as process:
        eventually(lambda: listens(address))
        yield address
        process.terminate()
        assert process.wait(PATIENCE_SECONDS) == 0


@pytest.fixture(scope="package")
def gateway_settings(upstream: Upstream, bridge_address: str, tokens: TestTokens) -> dict[str, Any]:
    addresses = {f"{name}_address": address for name, address in upstream.addresses.items()}
    addresses["bridge_address"] = bridge_address
    return {**addresses, "jwks_file": tokens.directory / "jwks.json", "gateway_health_interval_seconds": 0.5}


@pytest.fixture(scope="package")
def edge(
    tmp_path_factory: pytest.TempPathFactory, gateway_settings: dict[str, Any], tokens: TestTokens
) -> Iterator[Edge]:
    running = Edge(tmp_path_factory.mktemp("edge"), tokens.issue(42), **gateway_settings)
    running.wait_until_healthy()
    yield running
    running.stop()


@pytest.fixture(scope="package")
def broken_edge(
    tmp_path_factory: pytest.TempPathFactory, gateway_settings: dict[str, Any], tokens: TestTokens
) -> Iterator[Edge]:
    """Nobody listens where the statistics service and the bridge are to be; other settings than the usual."""
    settings = {
        **gateway_settings,
        "stats_address": f"127.0.0.1:{free_port()}",
        "bridge_address": f"127.0.0.1:{free_port()}",
        "gateway_request_timeout_seconds": 0.5,
        "gateway_trusted_proxies": 1,
        "cors_origins": "https://one.example, https://two.example",
    }
    running = Edge(tmp_path_factory.mktemp("broken_edge"), tokens.issue(42), **settings)
    running.wait_until_up()
    yield running
    running.stop()


@pytest.fixture
def calls(upstream: Upstream) -> list[Call]:
    """The calls that reach the services during one test."""
    upstream.calls.clear()
    return upstream.calls
