"""Fills a virtual environment from a lock file and shows how far it is.

`python deploy/install.py requirements.lock` runs pip as `python -m pip`. On a
terminal one line changes in place; elsewhere, as in the log of a CI, there is a
line for every tenth of the packages, and one after ten seconds without any. Only
the standard library is used: the environment is still empty.
"""

from __future__ import annotations

import re
import subprocess
import sys
import sysconfig
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
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
_LOOK_SECONDS = 0.3
# After so long without a word there is one.
_SILENCE_SECONDS = 10.0


class Progress:
    """Tells of packages as pip comes to them, and that it goes on while pip is silent."""

    def __init__(self, total: int, out: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        self._total = total
        self._out = out
        self._clock = clock
        self._in_place = out.isatty()
        self._seen = 0
        self._part = 0
        self._to_unpack = 0
        self._text = "beginning"
        self._began = self._told = clock()
        # Two tell: who reads pip's lines, and who looks meanwhile.
        self._lock = threading.Lock()

    def take(self, line: str) -> None:
        """Takes a line of pip's."""
        if package := _BEGINS.match(line):
            self._seen += 1
            name = package["name"] or package["file"]
            self._tell(self._seen, self._total, f"fetching {self._seen} of {self._total}: {name}")
        elif line.startswith(_UNPACKING):
            self._part = -1
            self._to_unpack = len(line.removeprefix(_UNPACKING).split(","))
            self.look(0)

    def look(self, whole: int) -> None:
        """Takes how many packages are whole: pip is silent while it unpacks them."""
        if self._to_unpack:
            told = f"unpacking {self._to_unpack} packages, {whole} done"
            self._tell(min(whole, self._to_unpack), self._to_unpack, told)
        if self._clock() - self._told >= _SILENCE_SECONDS:
            self._write(f"{self._text}, {self._clock() - self._began:.0f} s so far")

    def end(self) -> None:
        """Leaves the line on a terminal."""
        if self._in_place:
            self._out.write("\r\033[K")
            self._out.flush()

    def _tell(self, count: int, total: int, text: str) -> None:
        if text == self._text:
            return
        self._text = text
        part = count * _PARTS // max(total, 1)
        if self._in_place or part != self._part:
            self._part = part
            self._write(text)

    def _write(self, text: str) -> None:
        with self._lock:
            self._told = self._clock()
            self._out.write(f"\r\033[K  {text}" if self._in_place else f"  {text}\n")
            self._out.flush()


def show(
    lines: Iterable[str],
    total: int,
    out: TextIO,
    whole: Callable[[], int] = lambda: 0,
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Shows the progress that pip's lines tell of, and how many packages are whole meanwhile."""
    progress = Progress(total, out, clock)
    with _looking(lambda: progress.look(whole())):
        for line in lines:
            progress.take(line)
    progress.end()


def whole_since(start: float, packages: Path) -> int:
    """Returns how many packages were unpacked whole since an instant: pip signs each at its end."""
    signed = packages.glob("*.dist-info/INSTALLER")
    return sum(1 for path in signed if path.stat().st_mtime >= start)


@contextmanager
def _looking(look: Callable[[], None]) -> Iterator[None]:
    """Looks from time to time for the duration of a block."""
    ended = threading.Event()

    def looks() -> None:
        while not ended.wait(_LOOK_SECONDS):
            look()

    thread = threading.Thread(target=looks, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def install(lock: Path) -> int:
    """Installs what the lock file names; returns pip's exit status. pip tells errors itself."""
    command = [
        *(sys.executable, "-m", "pip", "--disable-pip-version-check", "install"),
        *("--progress-bar", "off", "-r", str(lock)),
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as pip:
        assert pip.stdout is not None
        total, start = len(_LOCKED.findall(lock.read_text())), time.time()
        packages = Path(sysconfig.get_path("purelib"))
        show(pip.stdout, total, sys.stderr, lambda: whole_since(start, packages))
    return pip.returncode


if __name__ == "__main__":
    sys.exit(install(Path(sys.argv[1])))
