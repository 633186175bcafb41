"""Starts a command in a container with the secrets that were mounted as files.

The environment of a container is visible to whoever may inspect it, so
addresses with a password in them come as files: for each NAME below,
NAME_FILE names the file whose text becomes NAME for the command alone.

WAIT_FOR=HOST:PORT,... names what must take connections first: not every tool
that reads a compose file waits for the conditions in it.
"""

from __future__ import annotations

import os
import socket
import sys
import time
from collections.abc import Mapping
from pathlib import Path

WAIT_SECONDS = 120.0
_PAUSE_SECONDS = 0.5

FROM_FILES = ("DATABASE_URL", "REDIS_URL")


def environment(given: Mapping[str, str]) -> dict[str, str]:
    """The environment with the contents of the files in it. Raises SystemExit with what to mend."""
    result = dict(given)
    for name in FROM_FILES:
        path = result.pop(f"{name}_FILE", None)
        if path:
            result[name] = _content(name, Path(path))
    return result


def _content(name: str, path: Path) -> str:
    try:
        text = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeError):
        sys.exit(f"error: {name}_FILE={path}: it takes the path of a file that can be read")
    if not text:
        sys.exit(f"error: {name}_FILE={path}: the file is empty")
    return text


def wait_for(addresses: str, seconds: float = WAIT_SECONDS) -> None:
    """Waits until each `host:port` of a list takes connections. Raises TimeoutError."""
    stop = time.monotonic() + seconds
    for address in filter(None, addresses.split(",")):
        host, _, port = address.strip().rpartition(":")
        while not _takes_connections(host, int(port)):
            if time.monotonic() > stop:
                raise TimeoutError(f"{address} takes no connections after {seconds:.0f} s")
            time.sleep(_PAUSE_SECONDS)


def _takes_connections(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), timeout=_PAUSE_SECONDS).close()
    except OSError:
        return False
    return True


def main(command: list[str]) -> None:
    """Becomes the command, which is found in PATH, once what it waits for is there.

    The program judges its settings itself.
    """
    if not command:
        sys.exit("error: there is no command: name one, such as python -m session_service.main")
    try:
        wait_for(os.environ.get("WAIT_FOR", ""))
    except TimeoutError as error:
        sys.exit(f"error: {error}")
    given = environment(os.environ)
    try:
        os.execvpe(command[0], command, given)  # noqa: S606 - no shell wanted
    except OSError as error:
        sys.exit(f"error: {command[0]} cannot be run: {os.strerror(error.errno or 0).lower()}")


if __name__ == "__main__":
    main(sys.argv[1:])
