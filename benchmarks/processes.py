"""What processes used of the processor, by their names."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress

import psutil

from deploy.local.stack import LocalStack


class Processes:
    """Families of processes by name: each with its children, those that are gone included."""

    def __init__(self, pids: Mapping[str, int]) -> None:
        self._pids = dict(pids)

    @classmethod
    def of_stack(cls, stack: LocalStack, **others: int) -> Processes:
        """Returns the processes of a running stack, and others by their names."""
        return cls({row.name: row.pid for row in stack.status(memory_too=False) if row.pid} | others)

    def seconds(self) -> dict[str, float]:
        """Returns CPU seconds so far. Copies of one service count together."""
        used: dict[str, float] = {}
        for name, pid in self._pids.items():
            kind = name.rpartition("-")[0] if name.rpartition("-")[2].isdecimal() else name
            used[kind] = used.get(kind, 0.0) + _family_seconds(pid)
        return used

    @contextmanager
    def suspended(self, but: Collection[str]) -> Iterator[None]:
        """Holds all others still for the duration of a block: they use nothing of the processor meanwhile."""
        held = [process for name, pid in self._pids.items() if name not in but for process in _family(pid)]
        try:
            for process in held:
                with suppress(psutil.Error):
                    process.suspend()
            yield
        finally:
            for process in held:
                with suppress(psutil.Error):
                    process.resume()


class Usage:
    """CPU seconds by process of a block, once it is over."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    def per(self, operations: int) -> dict[str, float]:
        """Returns milliseconds of an operation, of whoever had any part in it."""
        shares = {name: used * 1000 / max(operations, 1) for name, used in self.seconds.items()}
        return {name: share for name, share in shares.items() if share >= 0.005}


@contextmanager
def measured(processes: Processes) -> Iterator[Usage]:
    """Measures what processes use during a block."""
    usage, before = Usage(), processes.seconds()
    yield usage
    after = processes.seconds()
    usage.seconds = {name: after[name] - before.get(name, 0.0) for name in after}


def _family_seconds(pid: int) -> float:
    total = 0.0
    for process in _family(pid):
        with suppress(psutil.Error):
            times = process.cpu_times()
            # What its children used that are gone: a worker's, a database's.
            total += times.user + times.system
            total += getattr(times, "children_user", 0.0) + getattr(times, "children_system", 0.0)
    return total


def _family(pid: int) -> list[psutil.Process]:
    try:
        parent = psutil.Process(pid)
        return [parent, *parent.children(recursive=True)]
    except psutil.Error:
        return []
