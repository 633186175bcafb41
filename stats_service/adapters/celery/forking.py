"""How the processes of a worker share their memory, and their end."""

from __future__ import annotations

import ctypes
import gc
import os
import signal
import sys
from typing import Any

from celery.signals import worker_before_create_process, worker_init, worker_process_init

# The process that this module was loaded in; the others of a worker are forked from it.
_WORKER = os.getpid()
_PR_SET_PDEATHSIG = 1


def is_orphan() -> bool:
    """Tells whether this is a forked process whose worker is gone."""
    return os.getpid() != _WORKER and os.getppid() != _WORKER


def share_memory() -> None:
    """Makes the workers of this process fork children that share what it holds.

    A collection writes to every page that it looks at, and so copies it. What
    is frozen is not looked at: a worker with two children takes a fifth less.
    But a child's collections also closed what it inherits of its siblings'
    pipes, by whose end they notice that their parent is gone. So they are told
    of it by the kernel, where it can, and nothing is frozen where it cannot.
    """
    if sys.platform != "linux":
        return
    # Beat is begun before the pool or after it.
    for about_to_fork in (worker_init, worker_before_create_process):
        about_to_fork.connect(_freeze, weak=False)
    worker_process_init.connect(_end_with_worker, weak=False)


def _freeze(**_signal: Any) -> None:
    gc.collect()
    gc.freeze()


def _end_with_worker(**_signal: Any) -> None:
    """Ends a child with its worker. What it was doing is done again by another."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if is_orphan():
        os._exit(1)
