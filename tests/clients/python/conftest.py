"""The client for Python, built as `make clients` builds it."""

from __future__ import annotations

import importlib
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

from deploy.local.layout import ROOT
from tests.clients.python.asking import Ask, async_ask, sync_ask

CLIENT = ROOT / "clients" / "python"
# Needed by the client; of the versions that are here already.
NEEDED = [f"{name}=={metadata.version(name)}" for name in ("httpx", "pydantic")]


def run(*command: str | Path) -> str:
    """Returns what a command says. Fails the test with its own words."""
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.fail(f"these tests need a package registry, once:\n{done.stdout}{done.stderr}", pytrace=False)
    return done.stdout


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel."""
    directory = tmp_path_factory.mktemp("dist")
    run(sys.executable, CLIENT / "build.py", directory)
    (built,) = directory.glob("*.whl")
    return built


@pytest.fixture(scope="session")
def clean_python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python that has the wheel and what it needs, and nothing else."""
    environment = tmp_path_factory.mktemp("clean") / "venv"
    python = environment / "bin" / "python"
    uv = (sys.executable, ROOT / "deploy" / "registry.py", Path(sys.executable).with_name("uv"))
    run(*uv, "venv", "--quiet", "--python", sys.executable, environment)
    run(*uv, "pip", "install", "--quiet", "--python", python, wheel, *NEEDED)
    return python


@pytest.fixture(scope="session")
def client(wheel: Path) -> Any:
    """The package, in this process."""
    sys.path.insert(0, str(CLIENT / "src"))
    return importlib.import_module("practice_client")


@pytest.fixture(params=[sync_ask, async_ask], ids=["sync", "async"])
def ask(request: pytest.FixtureRequest, client: Any) -> Ask:
    """Calls the platform through either client."""
    made: Ask = request.param(client)
    return made
