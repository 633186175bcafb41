"""Directories below the system's temporary one that do not outlive who made them.

Each names its owner, a process. What an owner that was killed left behind is
removed when the next directory is made.
"""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from contextlib import suppress
from pathlib import Path

import psutil

from deploy.local import processes

_PREFIX = "practice-"
_OWNER = "owner"


def make(purpose: str) -> Path:
    """Makes a directory that this process owns, mode 0700."""
    remove_stale()
    directory = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{purpose}-"))
    own(directory, os.getpid())
    return directory


def own(directory: Path, pid: int) -> None:
    """Makes a live process the owner of a directory."""
    unfinished = directory / f"{_OWNER}.{os.getpid()}"
    unfinished.write_text(f"{pid} {psutil.Process(pid).create_time()}\n")
    unfinished.rename(directory / _OWNER)


def remove(directory: Path) -> None:
    """Removes a directory with what is in it; a no-op when it is gone."""
    shutil.rmtree(directory, ignore_errors=True)


def remove_stale() -> None:
    """Removes the directories whose owner is gone and which this user may remove."""
    for directory in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        if _stale(directory):
            remove(directory)


def _stale(directory: Path) -> bool:
    """Whether a directory names an owner, and that one does not run any more."""
    try:
        if directory.is_symlink() or os.geteuid() not in (0, directory.stat().st_uid):
            return False
        owned = directory / _OWNER
        if not stat.S_ISREG(owned.lstat().st_mode):
            return False
        pid, born = owned.read_text().split()
        with suppress(psutil.NoSuchProcess):
            owner = psutil.Process(int(pid))
            # A recycled process id belongs to a process born at another time.
            return abs(owner.create_time() - float(born)) > 1.0 or not processes.runs(owner)
    except (OSError, ValueError, psutil.AccessDenied):
        return False
    return True
