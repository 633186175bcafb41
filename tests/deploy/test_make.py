from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from deploy.local.layout import ROOT


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """What make itself reads, without an environment."""
    for name in ("Makefile", "requirements.lock", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    return tmp_path


def make(directory: Path, *words: str) -> subprocess.CompletedProcess[str]:
    # The make that runs the tests must not be the parent of this one.
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))
    }
    return subprocess.run(
        ["make", *words], cwd=directory, capture_output=True, text=True, check=False, env=environment
    )


def test_make_alone_lists_what_it_can_do(checkout: Path) -> None:
    listed = {line.split()[1] for line in make(checkout).stdout.splitlines()}
    assert {"up", "down", "status", "demo", "test", "lint", "protos", "format", "clean", "help"} <= listed


def test_a_python_that_is_too_old_is_named_with_the_way_out(checkout: Path) -> None:
    old = checkout / "python3"
    old.write_text("#!/bin/sh\n[ \"$1\" = --version ] && echo 'Python 3.9.2' || exit 1\n")
    old.chmod(0o755)
    refused = make(checkout, "up", f"PYTHON={old}")
    assert refused.returncode != 0
    first = refused.stderr.splitlines()[0]
    assert first.startswith("Python 3.11 or newer is needed")
    assert "Python 3.9.2" in first
    assert "PYTHON=python3.12" in first
    assert not (checkout / ".venv").exists()


def test_down_without_an_environment_has_nothing_to_do(checkout: Path) -> None:
    done = make(checkout, "down")
    assert (done.returncode, done.stdout) == (0, "nothing runs\n")


def test_the_check_of_a_change_is_a_script_that_stops_at_the_first_failure() -> None:
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    assert subprocess.run(["bash", "-n", str(script)], check=False).returncode == 0
    assert "set -euo pipefail" in script.read_text()
