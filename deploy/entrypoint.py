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
    """The environment with the contents of the files in it. Raises OSError for a missing file."""
    result = dict(given)
    for name in FROM_FILES:
        path = result.pop(f"{name}_FILE", None)
        if path:
            result[name] = Path(path).read_text().strip()
    return result


def main(command: list[str]) -> None:
    """Becomes the command, which is found in PATH."""
    os.execvpe(command[0], command, environment(os.environ))  # noqa: S606 - no shell wanted


if __name__ == "__main__":
    main(sys.argv[1:])
