"""Starts a command in a container with the secrets that were mounted as files.

The environment of a container is visible to whoever may inspect it, so
addresses with a password in them come as files: for each NAME below,
NAME_FILE names the file whose text becomes NAME for the command alone.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

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


def main(command: list[str]) -> None:
    """Becomes the command, which is found in PATH; the program judges its settings itself."""
    if not command:
        sys.exit("error: there is no command: name one, such as python -m session_service.main")
    given = environment(os.environ)
    try:
        os.execvpe(command[0], command, given)  # noqa: S606 - no shell wanted
    except OSError as error:
        sys.exit(f"error: {command[0]} cannot be run: {os.strerror(error.errno or 0).lower()}")


if __name__ == "__main__":
    main(sys.argv[1:])
