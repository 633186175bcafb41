"""Waits for processes that are not children of this one."""

from __future__ import annotations

import time
from collections.abc import Sequence

import psutil


def wait_gone(processes: Sequence[psutil.Process], seconds: float) -> bool:
    """Waits until none of them runs any more; returns whether that is so.

    A zombie counts as gone: it only waits for a parent that may never ask, such
    as the first process of a container.
    """
    deadline = time.monotonic() + seconds
    while any(runs(process) for process in processes):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def runs(process: psutil.Process) -> bool:
    """Whether the process still does anything."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False
