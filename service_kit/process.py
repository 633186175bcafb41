"""How a process of the platform runs: its event loop, its garbage collector, the memory it gives back.

The loop is uvloop's: the same calls cost it about a third less than asyncio's own.
"""

from __future__ import annotations

import asyncio
import ctypes
import gc
import resource
import signal
from collections.abc import Coroutine
from typing import Any, TypeVar

import uvloop

from service_kit.logging import joined_lines

T = TypeVar("T")

# Objects made and not freed until the youngest are looked through. Calls make many
# that are gone with them, and few circles.
_YOUNG_OBJECTS = 20_000

# The most that macOS lets a process have, whatever it says is granted.
_MANY_FILES = 10_240

# Of malloc.h.
_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8
_LARGE_BYTES = 128 * 1024
_ARENAS = 2


def run(main: Coroutine[Any, Any, T]) -> T:
    """Runs a coroutine to its end; the last statement of a process's `main`."""
    spare_what_stays()
    return uvloop.run(_run(main))


async def _run(main: Coroutine[Any, Any, T]) -> T:
    with joined_lines():
        return await main


async def stop_requested() -> None:
    """Waits for SIGTERM or SIGINT."""
    requested = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, requested.set)
    await requested.wait()


def spare_what_stays() -> None:
    """Keeps modules, contracts and settings, which are there for good, from every later collection."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG_OBJECTS, *gc.get_threshold()[1:])


def open_many_files() -> int:
    """Lets a process have thousands of connections; systems grant more files than they give unasked.

    Returns how many files it may have open then.
    """
    some, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _MANY_FILES if most == resource.RLIM_INFINITY else min(most, _MANY_FILES)
    if some != resource.RLIM_INFINITY and some < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))
        return wanted
    return _MANY_FILES if some == resource.RLIM_INFINITY else some


def return_what_is_freed() -> None:
    """Asks the C library to keep little for itself; does nothing where it is another one.

    glibc keeps what was freed in case it is needed again, the more the larger the
    pieces were: a process that was busy once would stay large for ever.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError):
        return
    # Named, these no longer grow by themselves.
    mallopt(_MMAP_THRESHOLD, _LARGE_BYTES)
    mallopt(_TRIM_THRESHOLD, _LARGE_BYTES)
    mallopt(_ARENA_MAX, _ARENAS)
