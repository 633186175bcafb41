"""The npm package of `clients/typescript`, built once and installed as an app would, in a clean directory."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests import npm
from tests.clients import running
from tests.clients.network import Network

PACKAGE = Path(__file__).parents[2] / "clients" / "typescript"
SCENARIOS = Path(__file__).parent / "typescript"
SECONDS = 300.0

_SNIPPET = re.compile(r"```js\n(.*?)```", re.DOTALL)


def run(*command: str | Path, cwd: Path) -> str:
    """Returns what a command prints. Fails the test with all that it says."""
    done = subprocess.run(
        command,
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
        env={**os.environ, "NODE_OPTIONS": ""},
    )
    assert done.returncode == 0, f"{command}:\n{done.stdout}\n{done.stderr}"
    return done.stdout


def build(directory: Path) -> Path:
    """Returns the tarball, built by the command of `make clients`."""
    npm.install(PACKAGE)
    run(sys.executable, PACKAGE / "build.py", directory, cwd=PACKAGE)
    (tarball,) = directory.glob("practice-client-*.tgz")
    return tarball


def install(tarball: Path, app: Path) -> None:
    """Installs the package in an app that has nothing else, and lays the tests' scenarios beside it."""
    app.mkdir()
    (app / "package.json").write_text(json.dumps({"name": "app", "private": True, "type": "module"}))
    run(npm.NODE, npm.NPM, "install", "--prefer-offline", "--no-audit", "--no-fund", tarball, cwd=app)
    for file in (*SCENARIOS.glob("*"), running.BROWSER / "in_node.js"):
        shutil.copy(file, app)


def snippets(words: dict[str, str]) -> list[str]:
    """Returns the README's snippets, with other words in place of some."""
    text = (PACKAGE / "README.md").read_text(encoding="utf-8")
    for written, meant in words.items():
        assert written in text
        text = text.replace(written, meant)
    return _SNIPPET.findall(text)


@contextmanager
def switch(network: Network) -> Iterator[str]:
    """Lets clients have the network go and come, by calls of `/go` and `/come` at the address."""

    class Switch(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            getattr(network, self.path.removeprefix("/"))()
            self.send_response(204)
            self.send_header("Access-Control-Allow-Origin", "*")
            self.end_headers()

        def log_message(self, *words: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Switch)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
