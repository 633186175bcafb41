"""Builds the client's wheel: `python clients/python/build.py [DIRECTORY]`, into `dist` by default.

The generator and the build backend have an environment of their own, which is made once; what they make
of the descriptions of the APIs is made again when these, or the generator, have changed.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
LOCK = HERE / "requirements.lock"
ENVIRONMENT = ROOT / "build" / "clients" / "python"
DESCRIPTIONS = ROOT / "generated" / "openapi"
API = HERE / "src" / "practice_client" / "api"


def run(*command: str | Path, cwd: Path = ROOT) -> None:
    """Runs a command. Raises CalledProcessError."""
    subprocess.run(command, cwd=cwd, check=True)


def uv(*words: str | Path) -> None:
    """Runs uv with what pip is configured with."""
    run(sys.executable, ROOT / "deploy" / "registry.py", Path(sys.executable).with_name("uv"), *words)


def digest(files: Sequence[Path]) -> str:
    """Returns what stands for the content of files."""
    return hashlib.sha256(b"".join(hashlib.sha256(file.read_bytes()).digest() for file in files)).hexdigest()


def make_environment() -> Path:
    """Returns the environment's Python, and makes the environment first unless it is as locked."""
    stamp, wanted = ENVIRONMENT / ".installed", digest([LOCK])
    python = ENVIRONMENT / "bin" / "python"
    if not stamp.exists() or stamp.read_text() != wanted:
        uv("venv", "--quiet", "--clear", "--python", sys.executable, ENVIRONMENT)
        uv("pip", "sync", "--quiet", "--python", python, "--require-hashes", "--compile-bytecode", LOCK)
        stamp.write_text(wanted)
    return python


def make_api(python: Path) -> None:
    """Makes the package of models and operations unless it is made of the same."""
    run(sys.executable, "-m", "gateway.openapi", DESCRIPTIONS)
    wanted = digest([HERE / "generate.py", LOCK, *sorted(DESCRIPTIONS.glob("*.json"))])
    stamp = API / ".made"
    if not stamp.exists() or stamp.read_text() != wanted:
        run(python, HERE / "generate.py", DESCRIPTIONS, API)
        run(sys.executable, "-m", "ruff", "format", "--quiet", "--isolated", "--line-length", "110", API)
        stamp.write_text(wanted)


def main() -> None:
    """Makes everything and the wheel."""
    directory = Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else ROOT / "dist"
    python = make_environment()
    make_api(python)
    run(python, "-m", "hatchling", "build", "--target", "wheel", "--directory", directory, cwd=HERE)


if __name__ == "__main__":
    main()
