"""Gives memory back to the system once it is not needed any more.

glibc keeps what was freed in case it is needed again, the more the larger the
pieces were: a process that was busy once would stay large for ever.
"""

from __future__ import annotations

import ctypes

# Of malloc.h.
_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8
_LARGE_BYTES = 128 * 1024
_ARENAS = 2


def return_what_is_freed() -> None:
    """Asks the C library to keep little for itself; does nothing where it is another one."""
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError):
        return
    # Named, these no longer grow by themselves.
    mallopt(_MMAP_THRESHOLD, _LARGE_BYTES)
    mallopt(_TRIM_THRESHOLD, _LARGE_BYTES)
    mallopt(_ARENA_MAX, _ARENAS)
