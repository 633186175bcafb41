"""Fills a virtual environment from a lock file and shows how far it is.

`python deploy/install.py requirements.lock` runs pip as `python -m pip`. On a
terminal one line changes in place; elsewhere, as in the log of a CI, there is a
line for every tenth of the packages. Only the standard library is used: the
environment is still empty.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TextIO

# Lines of a lock file that name a package, and those that pip begins one with.
_LOCKED = re.compile(r"^[A-Za-z0-9][\w.-]*(\[[^\]]*\])?==", re.MULTILINE)
_BEGINS = re.compile(
    r"(?:Collecting|Requirement already satisfied:) (?P<name>[A-Za-z0-9][\w.-]*)"
    r"|Processing (?:\S*/)?(?P<file>[A-Za-z0-9][\w.]*)-\S+"
)
_UNPACKING = "Installing collected packages:"
_PARTS = 10


class Progress:
    """Tells of packages as pip comes to them."""

    def __init__(self, total: int, out: TextIO) -> None:
        self._total = total
        self._out = out
        self._in_place = out.isatty()
        self._seen = 0
        self._part = 0

    def take(self, line: str) -> None:
        """Takes a line of pip's."""
        if package := _BEGINS.match(line):
            self._seen += 1
            self._tell(f"fetching {self._seen} of {self._total}: {package['name'] or package['file']}")
        elif line.startswith(_UNPACKING):
            self._part = -1
            self._tell(f"unpacking {len(line.removeprefix(_UNPACKING).split(','))} packages")

    def end(self) -> None:
        """Leaves the line on a terminal."""
        if self._in_place:
            self._out.write("\r\033[K")
            self._out.flush()

    def _tell(self, text: str) -> None:
        if self._in_place:
            self._out.write(f"\r\033[K  {text}")
        else:
            part = self._seen * _PARTS // max(self._total, 1)
            if part == self._part:
                return
            self._part = part
            self._out.write(f"  {text}\n")
        self._out.flush()


def show(lines: Iterable[str], total: int, out: TextIO) -> None:
    """Shows the progress that pip's lines tell of."""
    progress = Progress(total, out)
    for line in lines:
        progress.take(line)
    progress.end()


def install(lock: Path) -> int:
    """Installs what the lock file names; returns pip's exit status. pip tells errors itself."""
    command = [
        *(sys.executable, "-m", "pip", "--disable-pip-version-check", "install"),
        *("--progress-bar", "off", "-r", str(lock)),
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as pip:
        assert pip.stdout is not None
        show(pip.stdout, len(_LOCKED.findall(lock.read_text())), sys.stderr)
    return pip.returncode


if __name__ == "__main__":
    sys.exit(install(Path(sys.argv[1])))
