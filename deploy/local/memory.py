"""How much memory a process and its children take: proportional set size.

A page that n processes share counts 1/n in each, so the sum over the stack is
what the stack costs the machine.
"""

from __future__ import annotations

import psutil


def proportional_bytes(pid: int, *, family: bool = True) -> int:
    """Bytes of the process and, with `family`, all its descendants; 0 when it is gone.

    Where the system has no proportional size (not Linux, or somebody else's
    process) the resident size stands in, which is larger.
    """
    try:
        parent = psutil.Process(pid)
        members = [parent, *(parent.children(recursive=True) if family else [])]
    except psutil.Error:
        return 0
    return sum(_bytes(process) for process in members)


def _bytes(process: psutil.Process) -> int:
    try:
        try:
            full = process.memory_full_info()
        except psutil.AccessDenied:
            return int(process.memory_info().rss)
        return int(getattr(full, "pss", full.rss))
    except psutil.Error:
        return 0
