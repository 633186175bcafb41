"""A gateway under test: a real Envoy with the rendered configuration."""

from __future__ import annotations

import http.client
import json
import socket
import subprocess
from pathlib import Path
from typing import Any

import httpx

from deploy.local import programs
from gateway.render import render, to_yaml
from gateway.settings import GatewaySettings
from tests.waiting import PATIENCE_SECONDS, eventually


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def listens(address: str) -> bool:
    host, _, port = address.partition(":")
    with socket.socket() as probe:
        return probe.connect_ex((host, int(port))) == 0


class Edge:
    """Starts Envoy in a directory; `http` calls it without a token, `call` with one.

    `operators` calls the operators' listener.
    """

    def __init__(self, directory: Path, token: str, **settings: Any) -> None:
        ports = {f"gateway_{name}": free_port() for name in ("port", "admin_port", "operators_port")}
        # One account makes all the calls of all tests.
        usual = {"gateway_max_heap_mib": 256, "gateway_account_rate_per_minute": 1_000_000}
        self.settings = GatewaySettings(**{**usual, "cors_origins": "*", **ports, **settings})
        self.url = f"http://127.0.0.1:{self.settings.gateway_port}"
        self.http = httpx.Client(base_url=self.url, timeout=PATIENCE_SECONDS)
        self.operators = httpx.Client(
            base_url=f"http://127.0.0.1:{self.settings.gateway_operators_port}", timeout=10
        )
        self._authorization = {"authorization": f"Bearer {token}"}
        self._log = directory / "envoy.log"
        config = directory / "envoy.yaml"
        config.write_text(to_yaml(render(self.settings)))
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [
                    *(programs.envoy(), "--config-path", config, "--concurrency", "1"),
                    *("--log-level", "warning", "--disable-hot-restart", "--file-flush-interval-msec", "50"),
                ],
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def wait_until_healthy(self) -> None:
        eventually(lambda: self._answers("/health"))

    def wait_until_up(self) -> None:
        eventually(lambda: self._answers("/"))

    def _answers(self, path: str) -> bool:
        assert self._process.poll() is None, self._log.read_text()
        try:
            return self.http.get(path).status_code == 200
        except httpx.TransportError:
            return False

    def stop(self) -> None:
        self.http.close()
        self.operators.close()
        self._process.terminate()
        self._process.wait(PATIENCE_SECONDS)

    def call(self, method: str, path: str, *, scenario: str = "", **options: Any) -> httpx.Response:
        """Calls with a token and, for the upstream, a scenario."""
        headers = {**self._authorization, "x-scenario": scenario, **options.pop("headers", {})}
        return self.http.request(method, path, headers=headers, **options)

    def stream(self, path: str) -> Any:
        return self.http.stream("GET", path, headers=self._authorization)

    def send_raw(self, request: bytes) -> tuple[int, dict[str, Any]]:
        """Sends bytes that no HTTP client would and returns the answer's status and JSON."""
        with socket.create_connection(
            ("127.0.0.1", self.settings.gateway_port), timeout=PATIENCE_SECONDS
        ) as connection:
            connection.sendall(request)
            response = http.client.HTTPResponse(connection)
            response.begin()
            assert response.headers["content-type"] == "application/json"
            return response.status, json.loads(response.read())

    def memory(self) -> float:
        """Returns the part of the heap's limit that is in use."""
        page = httpx.get(f"http://127.0.0.1:{self.settings.gateway_admin_port}/memory").json()
        return int(page["allocated"]) / (self.settings.gateway_max_heap_mib * 1024 * 1024)

    def log_lines(self) -> list[dict[str, Any]]:
        """Returns the access log so far."""
        lines = self._log.read_text().splitlines()
        return [json.loads(line) for line in lines if line.startswith("{") and line.endswith("}")]

    def log_text(self) -> str:
        return self._log.read_text()
